using System.Reflection;
using System.Text.Json;
using DistillOnnx.Core;
using DistillOnnx.Teacher.Journaling;

namespace DistillOnnx.Teacher.Limits;

/// <summary>What tokens cost, in US dollars per million.</summary>
/// <param name="Input">Tokens of prompts.</param>
/// <param name="Output">Tokens of answers.</param>
/// <param name="Batch">Share of these prices that batch jobs cost.</param>
public sealed record PriceTable(double Input, double Output, double Batch = 1)
{
    /// <summary>How old a table may be before its prices are doubted.</summary>
    private static readonly TimeSpan Old = TimeSpan.FromDays(180);

    /// <summary>A warning where the date of a table (<c>as_of</c>) is long past; null where it is not, or there is none.</summary>
    /// <param name="path">The user's table; null: the one that ships.</param>
    /// <param name="now">Today.</param>
    internal static string? Doubt(string? path, DateTimeOffset now)
    {
        try
        {
            using var stream = path is null
                ? Assembly.GetExecutingAssembly().GetManifestResourceStream("prices.json")!
                : File.OpenRead(path);
            using var document = JsonDocument.Parse(stream);
            if (!document.RootElement.TryGetProperty("as_of", out var date)) return null;
            return now - date.GetDateTimeOffset() <= Old
                ? null
                : $"prices are those of {date.GetString()}; check them, and give your own by --prices";
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new InputException($"{path}: \"as_of\": expected a date such as 2026-01-31", e);
        }
    }

    /// <summary>The price of a number of tokens, in US dollars.</summary>
    /// <param name="input">Tokens of prompts.</param>
    /// <param name="output">Tokens of answers.</param>
    /// <param name="batch">Whether by a batch job.</param>
    public double Cost(long input, long output, bool batch = false) => (input * Input + output * Output) / 1e6 * (batch ? Batch : 1);

    /// <summary>The price of what a journal holds of a model, in US dollars.</summary>
    /// <param name="total">What it holds.</param>
    public double Cost(JournalTotal total) =>
        Cost(total.Input - total.BatchInput, total.Output - total.BatchOutput) + Cost(total.BatchInput, total.BatchOutput, batch: true);

    /// <summary>The prices of a model: from the user's file, or else from the table that ships.</summary>
    /// <param name="model">The model's name; rules and models within this process cost nothing.</param>
    /// <param name="path">A JSON file <c>{"models": {"NAME": {"input": 0.15, "output": 0.6, "batch": 0.5}}}</c>; null:
    /// the table that ships.</param>
    /// <returns>Null where the table does not know the model.</returns>
    /// <exception cref="InputException">The file is missing or has another form.</exception>
    public static PriceTable? Find(string model, string? path)
    {
        if (model == "rules"
            || model.StartsWith("genai:", StringComparison.Ordinal)
            || model.StartsWith("ollama:", StringComparison.Ordinal))
        {
            return new PriceTable(0, 0);
        }
        if (path is not null && !File.Exists(path)) throw new InputException($"{path}: no such file; expected a table of prices");
        try
        {
            using var stream = path is null
                ? Assembly.GetExecutingAssembly().GetManifestResourceStream("prices.json")!
                : File.OpenRead(path);
            using var document = JsonDocument.Parse(stream);
            if (!document.RootElement.GetProperty("models").TryGetProperty(model, out var prices)) return null;
            return new PriceTable(
                prices.GetProperty("input").GetDouble(),
                prices.GetProperty("output").GetDouble(),
                prices.TryGetProperty("batch", out var batch) ? batch.GetDouble() : 1);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw new InputException(
                $"{path}: expected {{\"models\": {{\"NAME\": {{\"input\": dollars per million tokens, \"output\": "
                + $"…}}}}}}, found something else",
                e);
        }
    }
}
