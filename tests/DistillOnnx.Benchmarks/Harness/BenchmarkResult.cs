using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using DistillOnnx.Core;

namespace DistillOnnx.Benchmarks.Harness;

/// <summary>What a benchmark found: named ratios, and the table they come from.</summary>
internal sealed class BenchmarkResult(string name)
{
    private readonly SortedDictionary<string, double> _ratios = new(StringComparer.Ordinal);
    private readonly List<(string Key, string Value)[]> _table = [];
    private readonly List<string> _notes = [];

    /// <summary>The benchmark's name.</summary>
    public string Name { get; } = name;

    /// <summary>Where it ran.</summary>
    public string Ran { get; private init; } = Machine.Describe();

    /// <summary>One result of several, in their order: what parts of a benchmark found that ran by themselves.</summary>
    /// <param name="name">The benchmark's name.</param>
    /// <param name="parts">What <see cref="ToJson"/> gave.</param>
    /// <exception cref="InputException">They were taken on unlike machines.</exception>
    public static BenchmarkResult Join(string name, IReadOnlyList<JsonObject> parts)
    {
        var machines = parts.Select(p => (string)p["machine"]!).Distinct().ToArray();
        if (machines.Length > 1) throw new InputException($"parts of unlike machines: {string.Join("; ", machines)}");
        var all = new BenchmarkResult(name) { Ran = machines.Single() };
        foreach (var part in parts)
        {
            foreach (var (key, value) in part["ratios"]!.AsObject()) all._ratios[key] = (double)value!;
            foreach (var row in part["table"]!.AsArray())
                all._table.Add([.. row!.AsObject().Select(c => (c.Key, (string)c.Value!))]);
            foreach (var note in part["notes"]!.AsArray().Select(n => (string)n!))
            {
                if (!all._notes.Contains(note)) all._notes.Add(note);
            }
        }

        return all;
    }

    /// <summary>Sets a ratio, which must be comparable between machines.</summary>
    public void Ratio(string key, double value) => _ratios[key] = value;

    /// <summary>Adds a row; all rows of a table name the same columns.</summary>
    public void Row(params (string Key, object Value)[] cells) =>
        _table.Add([.. cells.Select(c => (c.Key, Format(c.Value)))]);

    /// <summary>Adds a remark that a reader of the table needs.</summary>
    public void Note(string text) => _notes.Add(text);

    /// <summary>The result object of DESIGN: name, machine, ratios, table.</summary>
    public JsonObject ToJson() => new()
    {
        ["name"] = Name,
        ["machine"] = Ran,
        ["ratios"] = new JsonObject(_ratios.Select(r => KeyValuePair.Create(r.Key, (JsonNode?)JsonValue.Create(Math.Round(r.Value, 4))))),
        ["table"] = new JsonArray([.. _table.Select(row =>
            (JsonNode?)new JsonObject(row.Select(c => KeyValuePair.Create(c.Key, (JsonNode?)c.Value))))]),
        ["notes"] = new JsonArray([.. _notes.Select(n => (JsonNode?)n)]),
    };

    /// <summary>The result as a page to commit.</summary>
    /// <param name="command">The command that made it.</param>
    public string ToMarkdown(string command)
    {
        var page = new StringBuilder();
        page.AppendLine(CultureInfo.InvariantCulture, $"# {Name}").AppendLine();
        page.AppendLine(CultureInfo.InvariantCulture, $"`{command}` on {Ran}").AppendLine();
        page.AppendLine("| ratio | value |").AppendLine("|---|---:|");
        foreach (var (key, value) in _ratios) page.AppendLine(CultureInfo.InvariantCulture, $"| {key} | {value:0.000} |");
        foreach (var group in _table.GroupBy(r => string.Join('|', r.Select(c => c.Key))))
        {
            page.AppendLine().AppendLine("| " + string.Join(" | ", group.First().Select(c => c.Key)) + " |");
            page.AppendLine("|" + string.Concat(group.First().Select(_ => "---|")));
            foreach (var row in group) page.AppendLine("| " + string.Join(" | ", row.Select(c => c.Value)) + " |");
        }

        foreach (var note in _notes) page.AppendLine().AppendLine(note);
        return page.ToString();
    }

    /// <summary>The result object as indented text.</summary>
    public string ToJsonText() => ToJson().ToJsonString(new JsonSerializerOptions { WriteIndented = true });

    private static string Format(object value) => value switch
    {
        double d => d.ToString(Math.Abs(d) >= 100 ? "0" : "0.###", CultureInfo.InvariantCulture),
        IFormattable f => f.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };
}
