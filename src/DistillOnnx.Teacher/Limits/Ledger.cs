using System.Text.Json.Nodes;
using DistillOnnx.Teacher.Journaling;

namespace DistillOnnx.Teacher.Limits;

/// <summary>What a journal holds, in answers, tokens and money, model by model.</summary>
internal static class Ledger
{
    /// <summary>The price of all of it, in US dollars; null where the table does not know a model.</summary>
    /// <param name="totals">What the journal holds of each model.</param>
    /// <param name="prices">The user's table; null: the one that ships.</param>
    public static double? Cost(IReadOnlyDictionary<string, JournalTotal> totals, string? prices) =>
        totals.Aggregate((double?)0, (sum, t) => sum + PriceTable.Find(t.Key, prices)?.Cost(t.Value));

    /// <summary>The first model that the table does not know; null where it knows all.</summary>
    /// <param name="totals">What the journal holds of each model.</param>
    /// <param name="prices">The user's table; null: the one that ships.</param>
    public static string? Unknown(IReadOnlyDictionary<string, JournalTotal> totals, string? prices) =>
        totals.Keys.FirstOrDefault(m => PriceTable.Find(m, prices) is null);

    /// <summary>The ledger as reports have it.</summary>
    /// <param name="totals">What the journal holds of each model.</param>
    /// <param name="prices">The user's table; null: the one that ships.</param>
    public static JsonObject Report(IReadOnlyDictionary<string, JournalTotal> totals, string? prices)
    {
        var models = new JsonObject(totals.Select(t =>
            KeyValuePair.Create(t.Key, (JsonNode?)Entry(t.Value, PriceTable.Find(t.Key, prices)?.Cost(t.Value)))));
        var sum = totals.Values.Aggregate(default(JournalTotal), (a, b) => a.Plus(b));
        var report = Entry(sum, Cost(totals, prices));
        report["models"] = models;
        return report;
    }

    private static JsonObject Entry(JournalTotal total, double? cost)
    {
        var entry = new JsonObject { ["answers"] = total.Answers, ["input_tokens"] = total.Input, ["output_tokens"] = total.Output };
        if (total.Reasoning > 0) entry["reasoning_tokens"] = total.Reasoning;
        if (cost is { } price) entry["cost"] = Math.Round(price, 6);
        return entry;
    }
}
