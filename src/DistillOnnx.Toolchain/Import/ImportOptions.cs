using DistillOnnx.Data;
using DistillOnnx.Stages.IO;
using DistillOnnx.Stages.Options;

namespace DistillOnnx.Toolchain.Import;

/// <summary>What to import and how.</summary>
public sealed record ImportOptions : IStageOptions
{
    /// <summary>The format: <c>dss:svamp</c>, <c>dss:cqa</c>, <c>dss:esnli</c>, <c>dss:anli1</c>, <c>jsonl</c>,
    /// <c>csv</c>, <c>tsv</c>, <c>xlsx</c> or <c>parquet</c>.</summary>
    [Option(
        "what to import: dss:svamp|cqa|esnli|anli1 (the paper's own files), jsonl, csv, tsv, xlsx or parquet",
        Value = "SOURCE",
        Argument = true,
        Required = true)]
    public string Source { get; init; } = "";

    /// <summary>The source: for <c>dss:</c> a directory, otherwise files, each <c>FILE</c> or <c>SPLIT=FILE</c>.</summary>
    [Option(
        "dss: the directory that holds <set>_<split>.json; otherwise files, each FILE (its name contains the split) or SPLIT=FILE",
        Value = "PATH",
        Required = true)]
    public IReadOnlyList<string> From { get; init; } = [];

    /// <summary>Where the dataset goes.</summary>
    [Option("dataset directory to write", Value = "DIR", Required = true)]
    public string Out { get; init; } = "";

    /// <summary>Whether an existing dataset may be replaced.</summary>
    [Option("replace an existing output")]
    public bool Overwrite { get; init; }

    /// <summary>The task description, for every source but <c>dss:</c>, which brings its own.</summary>
    [Option("task description for every source but dss: (task.json)", Value = "FILE")]
    public string? Task { get; init; }

    /// <summary>Whose reasons become the rationales, for <c>dss:</c>.</summary>
    [Option("whose rationales to take from the paper's files: teacher or human")]
    public RationaleSource Rationales { get; init; } = RationaleSource.Teacher;

    /// <summary>The split that missing ones are made of; null: none is made.</summary>
    [Option("make the missing splits out of this one: most of its rows become train, --holdout of them validation", Value = "SPLIT")]
    public string? SplitFrom { get; init; }

    /// <summary>The fraction of <see cref="SplitFrom"/> held out as validation.</summary>
    [Option("fraction of --split-from held out as validation", Value = "FRACTION")]
    public double Holdout { get; init; } = 0.1;

    /// <summary>The fraction of <see cref="SplitFrom"/> held out as test, where the source has none.</summary>
    [Option("fraction of --split-from held out as test, where the source has no test split", Value = "FRACTION")]
    public double HoldoutTest { get; init; }

    /// <summary>Decides which rows are held out.</summary>
    [Option("decides which rows are held out; equal seeds hold out equal rows")]
    public long Seed { get; init; }

    /// <summary>Which of the source's columns hold a row's fields, each <c>FIELD=COLUMN</c> or <c>FIELD=COLUMN+COLUMN</c>.</summary>
    [Option(
        "FIELD=COLUMN for every source but dss:; fields are id, input, label, rationale, teacher_label, choices, "
        + "completion; input and choices may join columns (a+b)",
        Value = "MAP")]
    public IReadOnlyList<string> Column { get; init; } = [];

    /// <summary>What joins the columns of an input; null: the task's segment separator, or else a line end.</summary>
    [Option("what joins the columns of an input (default: the task's segment separator, or else a line end)", Value = "TEXT")]
    public string? Join { get; init; }

    /// <summary>What separates choices within one column of text.</summary>
    [Option("what separates choices in one column of text", Value = "TEXT")]
    public string ChoiceSeparator { get; init; } = "|";

    /// <summary>Whether labels are positions, counted from 0, in the closed set.</summary>
    [Option("labels are positions, counted from 0, in the task's labels or the row's choices")]
    public bool LabelIndex { get; init; }

    /// <summary>Whether rows without a gold label are taken, for instance to be annotated.</summary>
    [Option("take rows without a gold label")]
    public bool Unlabelled { get; init; }

    /// <summary>What separates the columns of delimited text; null: found out from the first lines.</summary>
    [Option(
        "what separates the columns: comma, semicolon, tab, pipe or one character (default: found out from the first lines)",
        Value = "DELIMITER")]
    public string? Delimiter { get; init; }

    /// <summary>The encoding of delimited text; null: found out.</summary>
    [Option(
        "encoding of csv and tsv, for instance utf-8, utf-16, latin-1, windows-1252 (default: found out, and named "
        + "where the bytes are ambiguous)",
        Value = "NAME")]
    public string? Encoding { get; init; }

    /// <summary>The sheet of a workbook; null: the first one.</summary>
    [Option("sheet of an xlsx workbook (default: the first one)", Value = "NAME")]
    public string? Sheet { get; init; }

    /// <summary>The row of a spreadsheet or delimited text that names the columns, from 1; those above are passed over.</summary>
    [Option("row of csv, tsv or xlsx that names the columns; rows above it, for instance titles, are passed over", Value = "ROW")]
    public int HeaderRow { get; init; } = 1;

    /// <summary>A JSON object from values of a label column to labels, or to null for no label.</summary>
    [Option("JSON object from values of a label column to the task's labels, or to null for none", Value = "FILE")]
    public string? LabelMap { get; init; }

    /// <summary>Whether labels match ignoring case.</summary>
    [Option("match labels ignoring case")]
    public bool IgnoreCase { get; init; }

    /// <summary>The file that gets the rows that cannot be used; null: such a row fails the import.</summary>
    [Option("leave rows out that cannot be used, and write them with reasons to this file (JSON Lines)", Value = "FILE")]
    public string? SkipBadRows { get; init; }

    /// <summary>The delimiter as a character; null where it is found out or is none.</summary>
    internal char? DelimiterCharacter => Delimiter switch
    {
        "comma" => ',',
        "semicolon" => ';',
        "tab" or "\\t" => '\t',
        "pipe" => '|',
        [var one] when char.IsAscii(one) && one is not ('"' or '\r' or '\n') => one,
        _ => null,
    };

    /// <inheritdoc/>
    public IReadOnlyList<string> Validate()
    {
        var faults = new List<string>();
        var paper = Source.StartsWith(ImportSources.PaperPrefix, StringComparison.Ordinal);
        if (!ImportSources.Names.Contains(Source, StringComparer.Ordinal))
            faults.Add($"source: expected one of {string.Join(", ", ImportSources.Names)}, found \"{Source}\"");
        if (From.Count == 0) faults.Add("--from is missing");
        if (paper && From.Count > 1) faults.Add($"--from: expected one directory for {Source}, found {From.Count} paths");
        if (Out.Length == 0) faults.Add("--out is missing");
        if (paper && Task is not null) faults.Add($"--task: {Source} brings its own task");
        if (!paper && Task is null) faults.Add($"--task is missing: {Source} needs a task description");
        if (paper && Column.Count > 0) faults.Add($"--column: the columns of {Source} are known");
        if (paper && LabelIndex) faults.Add($"--label-index: the labels of {Source} are known");
        if (!paper && Rationales == RationaleSource.Human)
            faults.Add("--rationales human needs a dss: source; name the column by --column rationale=…");
        if (Source == "dss:svamp" && Rationales == RationaleSource.Human) faults.Add("--rationales human: SVAMP has no human rationales");
        if (SplitFrom is not (null or SplitNames.Train or SplitNames.Validation))
            faults.Add($"--split-from: expected train or validation, found \"{SplitFrom}\"");
        if (!(Holdout is >= 0 and < 1)) faults.Add($"--holdout: expected a fraction from 0 to below 1, found {Holdout}");
        if (!(HoldoutTest is >= 0 and < 1)) faults.Add($"--holdout-test: expected a fraction from 0 to below 1, found {HoldoutTest}");
        if (Holdout + HoldoutTest >= 1) faults.Add("--holdout and --holdout-test leave nothing to train on");
        if (SplitFrom is null && HoldoutTest > 0) faults.Add("--holdout-test needs --split-from");
        if (SplitFrom is not null && Holdout + HoldoutTest == 0) faults.Add("--split-from needs a --holdout above 0");
        _ = new ColumnMap(Column, faults);
        var delimited = Source is "csv" or "tsv";
        if (Delimiter is not null && !delimited) faults.Add($"--delimiter needs csv or tsv, found {Source}");
        else if (Delimiter is not null && DelimiterCharacter is null)
            faults.Add($"--delimiter: expected comma, semicolon, tab, pipe or one ASCII character, found \"{Delimiter}\"");
        if (Encoding is not null && !delimited) faults.Add($"--encoding needs csv or tsv, found {Source}");
        else if (Encoding is not null && TextEncodings.Named(Encoding) is null)
            faults.Add(
                $"--encoding: no encoding is named \"{Encoding}\"; expected utf-8, utf-16, latin-1, windows-1252 or "
                + "another registered name");
        if (HeaderRow != 1 && !delimited && Source != "xlsx") faults.Add($"--header-row needs csv, tsv or xlsx, found {Source}");
        else if (HeaderRow is < 1 or > 1000) faults.Add($"--header-row: expected 1 to 1000, found {HeaderRow}");
        if (Sheet is not null && Source != "xlsx") faults.Add($"--sheet needs xlsx, found {Source}");
        if (paper && LabelMap is not null) faults.Add($"--label-map: the labels of {Source} are known");
        if (paper && IgnoreCase) faults.Add($"--ignore-case: the labels of {Source} are known");
        if (SkipBadRows is not null && !Overwrite && File.Exists(SkipBadRows))
            faults.Add($"{SkipBadRows}: exists already; choose another file or pass --overwrite");
        if (SkipBadRows is not null && Out.Length > 0 && OutputDirectory.WouldHold(Out, SkipBadRows))
            faults.Add($"--skip-bad-rows: {SkipBadRows} is in the output, which is replaced as a whole; choose another place");
        if (ChoiceSeparator.Length == 0) faults.Add("--choice-separator is empty");
        return faults;
    }
}
