using System.Text.Json;
using System.Text.Json.Nodes;
using DistillOnnx.Core;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Data;
using DistillOnnx.Stages.Reporting;

namespace DistillOnnx.Toolchain.Import;

/// <summary>Turns files of some format into a dataset directory.</summary>
public static class DatasetImporter
{
    private const int ReportEvery = 10_000;

    /// <summary>Imports.</summary>
    /// <param name="options">What to import and how.</param>
    /// <param name="reporter">Receives the numbers of rows and labels, and what could not be parsed.</param>
    /// <param name="cancellationToken">Stops the import; nothing is left behind.</param>
    /// <exception cref="InputException">The options, a file or a row cannot be used.</exception>
    public static ImportResult Import(ImportOptions options, IReporter reporter, CancellationToken cancellationToken = default)
    {
        var invalid = options.Validate();
        if (invalid.Count > 0) throw new InputException(string.Join("; ", invalid));
        var files = options.From.Select(f => f[(f.IndexOf('=', StringComparison.Ordinal) + 1)..]);
        Stages.IO.OutputDirectory.Require(options.Out, options.Overwrite, [.. files, options.Task]);

        var source = Open(options, reporter);
        using var plan = Plan(source, options, reporter, cancellationToken);
        using var faults = new RowFaults(options.SkipBadRows);
        using var writer = DatasetWriter.Create(
            options.Out, source.Task, options.Overwrite, options.Unlabelled ? LabelNeed.None : LabelNeed.Gold);
        using var sources = new SplitStatisticsSet(source.Task);
        using var written = new SplitStatisticsSet(source.Task);

        // The writer compares ids within a split; which rows of one source meet there is the seed's choice.
        using var dealt = new IdSet();
        var (done, kept) = (0L, 0L);
        foreach (var split in source.Splits)
        {
            var index = 0;
            foreach (var row in source.Rows(split))
            {
                if (++done % ReportEvery == 0)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    reporter.Progress("import", done, null, split);
                }

                index++;
                if (Fault(source.Task, row, writer.Need) is { } fault)
                {
                    faults.Add(split, fault, row.Error is null ? row.Example.Input : null);
                    continue;
                }

                var deal = plan is not null && split == options.SplitFrom;
                var target = deal ? plan!.Split(row.Example) : split;
                var repeated = deal && !dealt.Add(row.Example.Id) ? IdSet.Repeated(row.Example.Id) : null;
                if ((repeated ?? writer.TryWrite(target, row.Example)) is { } refused)
                {
                    faults.Add(split, row.Locate(refused), row.Example.Input);
                    continue;
                }

                kept++;
                if (plan is not null) sources.Add(split, row);
                written.Add(target, row);
            }

            if (index == 0) throw new InputException($"{string.Join(", ", source.Files(split))}: expected at least one row, found none");
        }

        faults.Finish(kept, reporter);
        if (source.Unused is { } unused) reporter.Warn(unused);
        var result = new ImportResult
        {
            Skipped = options.SkipBadRows is null ? null : faults.Count,
            Dataset = Path.GetFullPath(options.Out),
            Splits = written.Results(),
            Sources = plan is null ? null : sources.Results(),
        };
        Record(writer.Info, source, options, plan is not null);
        if (options.SkipBadRows is not null) writer.Info["skipped"] = faults.Count;
        cancellationToken.ThrowIfCancellationRequested();
        writer.Commit();
        Report(result, options, reporter);
        return result;
    }

    private static IImportSource Open(ImportOptions options, IReporter reporter)
    {
        if (PaperSet.All.FirstOrDefault(s => ImportSources.PaperPrefix + s.Name == options.Source) is { } set)
            return PaperSource.Open(set, options.From[0], options.Rationales == RationaleSource.Human);
        return new TableSource(options, reporter);
    }

    private static string? Fault(TaskSpec task, ImportedRow row, LabelNeed need)
    {
        if (row.Error is not null) return row.Error;
        if (ExampleRules.Fault(task, row.Example, need) is not { } fault) return null;
        return row.Locate(fault + Hint(task, row.Example, need));
    }

    // The option that most likely mends a label that cannot be used.
    private static string Hint(TaskSpec task, Example row, LabelNeed need)
    {
        if (string.IsNullOrWhiteSpace(row.Input)) return "";
        if (row.Label is not { } label) return need == LabelNeed.Gold ? "; --unlabelled takes rows without one" : "";
        if ((task.Labels ?? row.Choices) is not { } set || set.Contains(label, StringComparer.Ordinal)) return "";
        if (set.Contains(label, StringComparer.OrdinalIgnoreCase)) return "; --ignore-case takes it";
        return int.TryParse(label, out var position) && position >= -1 && position < set.Count
            ? "; --label-index takes positions in the set"
            : "; --label-map FILE gives it a label";
    }

    private static SplitPlan? Plan(
        IImportSource source, ImportOptions options, IReporter reporter, CancellationToken cancellationToken)
    {
        if (options.SplitFrom is not { } from) return null;
        if (!source.Splits.Contains(from))
            throw new InputException($"--split-from {from}: the source has no such split, only {string.Join(", ", source.Splits)}");
        (string, bool)[] splits =
        [
            (SplitNames.Train, true), (SplitNames.Validation, options.Holdout > 0), (SplitNames.Test, options.HoldoutTest > 0),
        ];
        foreach (var (split, made) in splits)
        {
            if (made && split != from && source.Splits.Contains(split))
                throw new InputException($"--split-from {from} would make {split}, but the source has it: {source.Files(split)[0]}");
        }

        var need = options.Unlabelled ? LabelNeed.None : LabelNeed.Gold;
        string? first = null;
        bool Usable(ImportedRow row)
        {
            var fault = Fault(source.Task, row, need);
            first ??= fault;
            return fault is null;
        }

        var pass = 0;
        IEnumerable<Example> Read()
        {
            var stage = FormattableString.Invariant($"split {from}, pass {++pass} of 2");
            var rows = 0L;
            foreach (var row in source.Rows(from))
            {
                if (++rows % ReportEvery == 0)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    reporter.Progress(stage, rows, null);
                }

                if (Usable(row)) yield return row.Example;
            }
        }

        try
        {
            return SplitPlan.Deal(Read, source.Task, options);
        }
        catch (InputException e) when (first is not null)
        {
            // Too few rows may be left because the others are faulty: that is what the user has to know first.
            throw new InputException($"{first}; without the rows that cannot be used: {e.Message}", e);
        }
    }

    // Records the source of every row. File names only: a directory of one machine has no meaning on another.
    private static void Record(JsonObject info, IImportSource source, ImportOptions options, bool made)
    {
        info["source"] = options.Source;
        var files = new JsonObject();
        foreach (var split in source.Splits)
        {
            var hashes = new JsonObject();
            foreach (var file in source.Files(split)) hashes[Path.GetFileName(file)] = FileHash(file);
            files[split] = hashes;
        }

        info["files_sha256"] = files;
        if (options.Source.StartsWith(ImportSources.PaperPrefix, StringComparison.Ordinal))
            info["rationales"] = JsonNamingPolicy.SnakeCaseLower.ConvertName(options.Rationales.ToString());
        else
            info["columns"] = new JsonArray([.. options.Column.Select(c => JsonValue.Create(c))]);
        if (!made) return;
        info["made"] = new JsonObject
        {
            ["split_from"] = options.SplitFrom,
            ["holdout"] = options.Holdout,
            ["holdout_test"] = options.HoldoutTest,
            ["seed"] = options.Seed,
        };
    }

    private static string FileHash(string file)
    {
        using var stream = File.OpenRead(file);
        return Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(stream));
    }

    private static void Report(ImportResult result, ImportOptions options, IReporter reporter)
    {
        foreach (var (name, split) in result.Splits)
        {
            var teacher = split.TeacherAccuracy is { } accuracy ? $"; teacher accuracy {accuracy:P1}, {split.Unparsed} unparsed" : "";
            var reasons = split.UnparsedReasons is { Count: > 0 } counts
                ? $" ({string.Join(", ", counts.Select(r => $"{r.Key} {r.Value}"))})"
                : "";
            var labels = split.DistinctLabels <= split.Labels.Count
                ? string.Join(", ", split.Labels.Select(l => $"{l.Key} {l.Value}"))
                : $"{split.DistinctLabels} different labels";
            reporter.Info($"{name}: {split.Rows} rows, {split.Rationales} rationales; {labels}{teacher}{reasons}");
        }

        if (!result.Splits.ContainsKey(SplitNames.Train) && options.SplitFrom is null)
            reporter.Warn("the dataset has no train split; one can be made out of another: --split-from validation --holdout 0.1");
        else if (!result.Splits.ContainsKey(SplitNames.Validation))
            reporter.Warn("the dataset has no validation split; one can be made out of another: --split-from train --holdout 0.1");
    }
}
