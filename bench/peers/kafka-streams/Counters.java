import java.nio.ByteBuffer;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serializer;

/** Eight lifetime counters of a customer: numbers of purchases and their sums in minor units, of all, home, till and yuan. */
final class Counters {
  static final int GROUPS = 4;

  /** By group. */
  final long[] purchases = new long[GROUPS];
  final long[] spend = new long[GROUPS];

  void add(Purchase purchase) {
    add(0, purchase.amount());
    if (purchase.country().equals("CN")) add(1, purchase.amount());
    if (purchase.channel() == Purchase.POS) add(2, purchase.amount());
    if (purchase.currency().equals("CNY")) add(3, purchase.amount());
  }

  private void add(int group, long amount) {
    purchases[group]++;
    spend[group] += amount;
  }

  /** Eight longs, nothing else. */
  static final class CountersSerde implements Serde<Counters> {
    @Override
    public Serializer<Counters> serializer() {
      return (topic, counters) -> {
        if (counters == null) return null;
        ByteBuffer bytes = ByteBuffer.allocate(GROUPS * 2 * Long.BYTES);
        for (int group = 0; group < GROUPS; group++) bytes.putLong(counters.purchases[group]).putLong(counters.spend[group]);
        return bytes.array();
      };
    }

    @Override
    public Deserializer<Counters> deserializer() {
      return (topic, data) -> {
        if (data == null) return null;
        ByteBuffer bytes = ByteBuffer.wrap(data);
        Counters counters = new Counters();
        for (int group = 0; group < GROUPS; group++) {
          counters.purchases[group] = bytes.getLong();
          counters.spend[group] = bytes.getLong();
        }
        return counters;
      };
    }
  }
}
