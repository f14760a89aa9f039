import java.util.ArrayList;
import java.util.List;

/**
 * The twenty rules of {@code bench/stream/card-rules.ts}, by the same recipe: three comparisons on three counters and one
 * equality, which stands first because it is false most often. Every run compares their hits with a reference.
 */
record CardRule(String id, int category, int floorGroup, long from, long below, long amount, boolean amountIncluded) {
  /** Merchant categories, by their place in the schema: travel, beauty, gaming, maternity. */
  private static final int[] RARE = {3, 6, 5, 0};
  /** Grocery, restaurant, transport, fashion. */
  private static final int[] FREQUENT = {1, 2, 14, 11};
  /** Purchases from, below, and the least they have cost together. */
  private static final long[][] BANDS = {{1, 4, 10_000}, {4, 10, 40_000}, {10, 30, 100_000}, {30, 1_000_000, 300_000}};
  private static final long[] LAST_BAND = {400, 1_000_000, 4_000_000};

  static final CardRule[] ALL = all();

  boolean hits(Purchase purchase, Counters counters) {
    if (purchase.category() != category) return false;
    if (counters.purchases[floorGroup] < from) return false;
    if (counters.purchases[(floorGroup + 1) % Counters.GROUPS] >= below) return false;
    long spend = counters.spend[(floorGroup + 2) % Counters.GROUPS];
    return amountIncluded ? spend >= amount : spend > amount;
  }

  private static CardRule[] all() {
    List<CardRule> rules = new ArrayList<>();
    for (int category : RARE) for (long[] band : BANDS) rules.add(rule(rules.size(), category, band));
    for (int category : FREQUENT) rules.add(rule(rules.size(), category, LAST_BAND));
    return rules.toArray(CardRule[]::new);
  }

  private static CardRule rule(int number, int category, long[] band) {
    String id = String.format("rule-%02d", number + 1);
    return new CardRule(id, category, number % Counters.GROUPS, band[0], band[1], band[2], number % 2 == 0);
  }
}
