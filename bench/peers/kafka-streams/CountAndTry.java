import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;

/** Adds a purchase to its customer's counters, then tries every rule on them. */
final class CountAndTry implements Processor<String, Purchase, String, String> {
  static final String STORE = "counters";

  private ProcessorContext<String, String> context;
  private KeyValueStore<String, Counters> store;

  @Override
  public void init(ProcessorContext<String, String> context) {
    this.context = context;
    store = context.getStateStore(STORE);
  }

  @Override
  public void process(Record<String, Purchase> record) {
    Purchase purchase = record.value();
    Counters counters = store.get(record.key());
    if (counters == null) counters = new Counters();
    counters.add(purchase);
    store.put(record.key(), counters);
    for (CardRule rule : CardRule.ALL) {
      if (rule.hits(purchase, counters)) context.forward(record.withValue(hit(purchase, rule)));
    }
  }

  private static String hit(Purchase purchase, CardRule rule) {
    return "{\"event\":\"" + purchase.id() + "\",\"customer\":\"" + purchase.customerId() + "\",\"rule\":\"" + rule.id()
        + "\",\"at\":" + System.currentTimeMillis() + "}";
  }
}
