import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.state.Stores;

/**
 * Purchases in, a record for each rule that hits out: {@code CardHits brokers events-topic hits-topic application-id state-dir}.
 * Runs until SIGTERM; ends with 1 when a stream thread fails.
 */
public final class CardHits {
  private static final int THREADS = 2;
  private static final long CACHE_BYTES = 128L << 20;

  private CardHits() {}

  public static void main(String[] args) throws InterruptedException {
    var streams = new KafkaStreams(topology(args[1], args[2]), settings(args[0], args[3], args[4]));
    var over = new CountDownLatch(1);
    streams.setUncaughtExceptionHandler(failure -> {
      return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
    });
    streams.setStateListener((state, before) -> {
      if (state == KafkaStreams.State.ERROR) over.countDown();
    });
    Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
    streams.start();
    over.await();
    System.exit(1);
  }

  static Topology topology(String events, String hits) {
    var builder = new StreamsBuilder();
    builder.addStateStore(Stores.keyValueStoreBuilder(
        Stores.persistentKeyValueStore(CountAndTry.STORE), Serdes.String(), new Counters.CountersSerde())
        .withCachingEnabled());
    builder.stream(events, Consumed.with(Serdes.String(), new Purchase.FramedAvroSerde()))
        .process(CountAndTry::new, CountAndTry.STORE)
        .to(hits, Produced.with(Serdes.String(), Serdes.String()));
    return builder.build();
  }

  private static Properties settings(String brokers, String applicationId, String stateDir) {
    var settings = new Properties();
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, brokers);
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, applicationId);
    settings.put(StreamsConfig.STATE_DIR_CONFIG, stateDir);
    settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, THREADS);
    settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, CACHE_BYTES);
    settings.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
    settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
    return settings;
  }
}
