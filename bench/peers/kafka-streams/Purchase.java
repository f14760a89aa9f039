import java.io.IOException;
import java.io.UncheckedIOException;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serializer;

/** What the rules look at of an event of {@code ingest/schemas/card.purchase.avsc}. Enumerations are places in the schema. */
record Purchase(String id, String customerId, long amount, String currency, int category, int channel, String country) {
  static final int POS = 0;

  /** Confluent framing: a zero byte, the schema id, the record. */
  private static final int FRAME_BYTES = 5;
  private static final int SCHEMA_ID = 2;

  /**
   * The fields in the order of the schema, through Avro's decoder, as the classes do that Avro generates; what nobody looks at is
   * skipped.
   */
  private static Purchase read(BinaryDecoder from) throws IOException {
    String id = from.readString();
    from.skipString(); // source
    String customerId = from.readString();
    from.readLong(); // time
    from.readEnum(); // provenance: via
    if (from.readIndex() == 1) from.skipString(); // provenance: consentId
    long amount = from.readLong();
    String currency = from.readString();
    int category = from.readEnum();
    if (from.readIndex() == 1) from.skipString(); // merchantId
    int channel = from.readEnum();
    return new Purchase(id, customerId, amount, currency, category, channel, from.readString());
  }

  /** Reads only: purchases are never written. */
  static final class FramedAvroSerde implements Serde<Purchase> {
    @Override
    public Serializer<Purchase> serializer() {
      throw new UnsupportedOperationException("purchases are only read");
    }

    @Override
    public Deserializer<Purchase> deserializer() {
      return new FramedAvroDeserializer();
    }
  }

  private static final class FramedAvroDeserializer implements Deserializer<Purchase> {
    /** All stream threads share the deserializer that the topology was given. */
    private final ThreadLocal<BinaryDecoder> decoders = new ThreadLocal<>();

    @Override
    public Purchase deserialize(String topic, byte[] data) {
      if (data[0] != 0 || data[4] != SCHEMA_ID) throw new IllegalArgumentException("the topic holds purchases only");
      BinaryDecoder reused = decoders.get();
      BinaryDecoder decoder = DecoderFactory.get().binaryDecoder(data, FRAME_BYTES, data.length - FRAME_BYTES, reused);
      if (decoder != reused) decoders.set(decoder);
      try {
        return read(decoder);
      } catch (IOException cause) {
        throw new UncheckedIOException(cause);
      }
    }
  }
}
