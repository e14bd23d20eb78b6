using System.Text.Json;
using System.Text.Json.Nodes;
using DistillOnnx.Core;
using DistillOnnx.Data;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Teacher.Rows;

namespace DistillOnnx.Teacher;

/// <summary>Puts the parts of an annotation together: every row of the dataset must have been asked in exactly one of them.</summary>
internal static class AnnotationMerger
{
    private static readonly string[] Counts = ["answers", "input_tokens", "output_tokens", "reasoning_tokens"];

    public static AnnotateResult Merge(AnnotateOptions options, Dataset dataset, IReporter reporter, CancellationToken cancellationToken)
    {
        var opened = new List<AnnotatedPart>();
        try
        {
            foreach (var directory in options.Merge) opened.Add(AnnotatedPart.Open(directory));
            return Merge(options, dataset, Order(opened), reporter, cancellationToken);
        }
        finally
        {
            foreach (var part in opened) part.Dispose();
        }
    }

    private static AnnotateResult Merge(
        AnnotateOptions options, Dataset dataset, AnnotatedPart[] parts, IReporter reporter, CancellationToken cancellationToken)
    {
        using var output = new AnnotatedDataset(dataset.Task, options);
        var splits = new Dictionary<string, AnnotatedSplit>(StringComparer.Ordinal);
        var examples = new JsonObject();
        string? fault = null;
        foreach (var split in dataset.Splits)
        {
            var annotated = options.AnnotatedSplits.Contains(split, StringComparer.Ordinal);
            var tally = new SplitTally(dataset.Task);
            var position = 0L;
            foreach (var example in dataset.Stream(split, LabelNeed.None))
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (!annotated)
                {
                    foreach (var part in parts) part.RequireCopy(split, example);
                    output.Copy(split, example);
                    continue;
                }

                var (outcome, row, provenance) = parts[position++ % parts.Length].Next(split, example);
                output.Take(split, example, row, outcome, provenance);
                tally.Add(example, outcome);
            }

            foreach (var part in parts) part.RequireEnd(split);
            if (!annotated) continue;
            splits.Add(split, tally.Result());
            examples[split] = tally.Examples();
            fault ??= tally.Fault;
        }

        if (parts.FirstOrDefault(p => p.More) is { } longer)
            throw new InputException($"{longer.Directory}: has rows that the dataset has not; annotate it again");
        var ledger = new JsonObject(Counts.Select(c => KeyValuePair.Create(c, (JsonNode?)parts.Sum(p => (long?)p.Ledger[c] ?? 0))));
        output.Info["source"] = "annotate";
        output.Info["complete"] = true;
        output.Info["merged"] = new JsonArray([.. parts.Select(p => (JsonNode)p.Shard.ToString())]);
        output.Commit(new JsonObject
        {
            ["splits"] = JsonSerializer.SerializeToNode(splits, Annotator.Indented),
            ["ledger"] = ledger,
            ["examples"] = examples,
        });
        reporter.Info($"{parts.Length} parts put together: {string.Join(", ", splits.Select(s => $"{s.Key} {s.Value.Rows} rows"))}");
        var result = AnnotationSummary.Counted(splits) with
        {
            Dataset = Path.GetFullPath(options.Out),
            Complete = true,
            InputTokens = (long)ledger["input_tokens"]!,
            OutputTokens = (long)ledger["output_tokens"]!,
            ReasoningTokens = (long)ledger["reasoning_tokens"]! is > 0 and var reasoning ? reasoning : null,
        };
        if (options.Report is { } report)
        {
            var teachers = string.Join(", ", parts.Select(p => p.Teacher).Distinct(StringComparer.Ordinal));
            AnnotationReport.Save(report, options with { Teacher = teachers }, result, examples);
        }

        AnnotationSummary.RequireAny(result, fault, options);
        return result;
    }

    private static AnnotatedPart[] Order(List<AnnotatedPart> parts)
    {
        var count = parts[0].Shard.Count;
        if (parts.FirstOrDefault(p => p.Shard.Count != count) is { } other)
            throw new InputException(
                $"--merge: {other.Directory} is part {other.Shard}, {parts[0].Directory} part {parts[0].Shard}: "
                + "expected parts of one division");
        var ordered = new AnnotatedPart[count];
        foreach (var part in parts)
        {
            if (ordered[part.Shard.Index] is { } duplicate)
                throw new InputException($"--merge: {duplicate.Directory} and {part.Directory} are both part {part.Shard}");
            ordered[part.Shard.Index] = part;
        }

        var missing = Enumerable.Range(0, count).Where(i => ordered[i] is null).ToList();
        return missing.Count == 0
            ? ordered
            : throw new InputException($"--merge: part {string.Join(", ", missing.Select(i => $"{i}/{count}"))} is missing");
    }
}
