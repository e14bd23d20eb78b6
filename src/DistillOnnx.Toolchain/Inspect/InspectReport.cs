using System.Globalization;
using System.Text.Json.Nodes;
using DistillOnnx.Stages.Reports;
using DistillOnnx.Toolchain.Scripting;

namespace DistillOnnx.Toolchain.Inspect;

/// <summary>The facts as a page.</summary>
internal static class InspectReport
{
    /// <summary>Makes the page.</summary>
    public static HtmlReport Build(InspectResult result)
    {
        var page = new HtmlReport($"{result.Kind}: {result.Directory}");
        Add(page, result);
        return page;
    }

    /// <summary>Adds the sections to a page.</summary>
    public static void Add(HtmlReport page, InspectResult result)
    {
        if (result.Dataset is { } dataset) Dataset(page, dataset);
        else
        {
            foreach (var fault in result.Bundle?.FileFaults ?? [])
                page.Warning($"A file is not what the bundle's manifest says: {fault}. What follows may not hold for it.");
            Facts(page, ResultJson.ToNode((object?)result.Checkpoint ?? result.Bundle!)!.AsObject());
        }
    }

    private static void Dataset(HtmlReport page, DatasetFacts facts)
    {
        page.Paragraph($"Task {facts.Task.Name}.");
        foreach (var leak in facts.Leaks.Where(l => l.Inputs > 0))
            page.Warning($"{leak.Splits}: {leak.Inputs} inputs are in both, {leak.DifferentLabels} of them with different labels.");
        foreach (var (name, split) in facts.Splits) Split(page, name, split);
        page.Heading("Inputs in more than one split").Table(
            ["Splits", "Inputs", "Rows of the second", "Different labels"],
            facts.Leaks.Select(l => (IReadOnlyList<string?>)[l.Splits, Number(l.Inputs), Number(l.Rows), Number(l.DifferentLabels)]));
        Repeated(page, "Examples", [.. facts.Leaks.SelectMany(l => l.Examples)]);
    }

    private static void Split(HtmlReport page, string name, SplitFacts split)
    {
        page.Heading(name).Figures(
        [
            ("rows", Number(split.Rows)),
            ("without label", Number(split.WithoutLabel)),
            ("without rationale", Number(split.WithoutRationale)),
            ("repeated rows", Number(split.DuplicateRows)), ("inputs with different labels", Number(split.ConflictingInputs)),
        ]);
        var bars = split.Labels.Select(l => (l.Key, (double)l.Value, Number(l.Value))).ToList();
        if (split.OtherLabels > 0) bars.Add(("(others)", split.OtherLabels, Number(split.OtherLabels)));
        if (bars.Count > 0) page.Chart(SvgChart.Bars(bars));
        var lengths =
            new[] { ("Words of a rationale", split.RationaleWords), ("Tokens of an input", split.Tokens?.Lengths) }
                .Where(l => l.Item2 is not null)
                .ToList();
        if (lengths.Count > 0)
        {
            page.Table(["", "Min", "Median", "Mean", "90 %", "99 %", "Max"], lengths.Select(l => (IReadOnlyList<string?>)
                [
                    l.Item1,
                    Number(l.Item2!.Min),
                    Number(l.Item2.Median),
                    Number(l.Item2.Mean),
                    Number(l.Item2.P90),
                    Number(l.Item2.P99),
                    Number(l.Item2.Max)
                ]));
        }

        if (split.AgreementByLabel.Count > 0)
        {
            page.Table(
                ["Gold label", "Rows with both labels", "Teacher agrees"],
                split.AgreementByLabel.Select(a => (IReadOnlyList<string?>)
                    [a.Key, Number(a.Value.Rows), Number(a.Value.Equal)]));
        }

        Repeated(page, "Repeated inputs", split.Duplicates);
        Repeated(page, "Inputs with different labels", split.Conflicts);
        Rows(page, "Longest inputs", "Characters", split.Longest);
        if (split.Tokens is not { } tokens) return;
        page.Paragraph(
            $"{tokens.Cut} rows are cut at {tokens.Limit} tokens; {tokens.UnknownInputs} inputs and "
            + $"{tokens.UnknownLabels} labels have unknown pieces.");
        Rows(page, "Rows that are cut", "Tokens", tokens.CutExamples);
        Rows(page, "Unknown pieces", "Pieces", tokens.UnknownExamples);
    }

    private static void Repeated(HtmlReport page, string title, IReadOnlyList<RepeatedInput> inputs)
    {
        if (inputs.Count > 0) page.Table([title, "Rows"], inputs.Select(i => (IReadOnlyList<string?>)[i.Input, string.Join('\n', i.Rows)]));
    }

    private static void Rows(HtmlReport page, string title, string size, IReadOnlyList<RowExample> rows)
    {
        if (rows.Count > 0) page.Table(["Id", size, title], rows.Select(r => (IReadOnlyList<string?>)[r.Id, Number(r.Size), r.Text]));
    }

    // A model's facts are names and values: single ones in one table, each part in its own.
    private static void Facts(HtmlReport page, JsonObject facts)
    {
        var parts = facts.ToLookup(f => f.Value is JsonObject or JsonArray { Count: > 0 });
        page.Table(["Fact", "Value"], parts[false].Select(f => (IReadOnlyList<string?>)[f.Key, f.Value?.ToString()]));
        foreach (var (name, value) in parts[true])
            page.Heading(name).Table(["Fact", "Value"], Flat("", value!).Select(f => (IReadOnlyList<string?>)[f.Name, f.Value]));
    }

    private static IEnumerable<(string Name, string Value)> Flat(string name, JsonNode? node) => node switch
    {
        JsonObject o => o.SelectMany(p => Flat(name.Length == 0 ? p.Key : $"{name}.{p.Key}", p.Value)),
        JsonArray a => [(name, string.Join('\n', a.Select(i => i?.ToString() ?? "")))],
        _ => [(name, node?.ToString() ?? "")],
    };

    private static string Number(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);
}
