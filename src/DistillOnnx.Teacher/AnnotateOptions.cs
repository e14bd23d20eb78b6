using DistillOnnx.Core;
using DistillOnnx.Data;
using DistillOnnx.Data.Selection;
using DistillOnnx.Stages.IO;
using DistillOnnx.Stages.Options;
using DistillOnnx.Teacher.Answers;
using DistillOnnx.Teacher.Clients;
using DistillOnnx.Teacher.Prompts;
using Microsoft.Extensions.AI;

namespace DistillOnnx.Teacher;

/// <summary>What to annotate, by which teacher and within which limits.</summary>
public sealed record AnnotateOptions : IStageOptions
{
    internal const int MostParseRetries = 10;

    /// <summary>The dataset to annotate.</summary>
    [Option("dataset directory to annotate", Value = "DIR", Required = true)]
    public string Data { get; init; } = "";

    /// <summary>The teacher.</summary>
    [Option(
        "openai:MODEL@URL (any endpoint of OpenAI's protocol), anthropic:MODEL, azure:DEPLOYMENT@URL, "
        + "ollama:MODEL[@URL], genai:DIR or rules; not needed to --merge",
        Value = "SPEC")]
    public string Teacher { get; init; } = "";

    /// <summary>Where the annotated dataset goes.</summary>
    [Option("dataset directory to write; not needed to --plan, --preview or --try", Value = "DIR")]
    public string Out { get; init; } = "";

    /// <summary>Whether an existing dataset may be replaced.</summary>
    [Option("replace an existing output; answers in the journal are kept")]
    public bool Overwrite { get; init; }

    /// <summary>
    /// The splits to annotate; others are copied as they are. Empty: train and validation, with <see cref="Select"/> train.
    /// </summary>
    [Option("splits to annotate; others are copied as they are (default: train and validation, with --select train)", Value = "SPLIT")]
    public IReadOnlyList<string> Splits { get; init; } = [];

    /// <summary>How many rows of train to choose and annotate; null: all.</summary>
    [Option(
        "annotate only this many rows of train, chosen as by distill select; they are written to OUT.selected first", Value = "ROWS")]
    public int? Select { get; init; }

    /// <summary>The student that is asked about the rows to choose.</summary>
    [Option("student that is asked which rows to choose; goes with --select", Value = "CHECKPOINT|BUNDLE")]
    public string? Model { get; init; }

    /// <summary>How rows are chosen.</summary>
    [OptionGroup]
    public SelectionOptions Selection { get; init; } = new();

    /// <summary>Where the answers are kept; null: beside the output.</summary>
    [Option("directory that keeps every answer, for resuming and for later runs (default: OUT.journal)", Value = "DIR")]
    public string? Journal { get; init; }

    /// <summary>Only the first rows of each split that is annotated.</summary>
    [Option("annotate and write only the first rows of each split that is annotated", Value = "ROWS")]
    public int? Limit { get; init; }

    /// <summary>One part of the rows to annotate, <c>i/n</c> with i from 0.</summary>
    [Option("annotate only part I of N of the rows (I from 0), for several machines; put together with --merge", Value = "I/N")]
    public string? Shard { get; init; }

    /// <summary>Outputs of all parts, to be put together instead of asking.</summary>
    [Option(
        "put together the outputs of all parts of --shard instead of asking; every annotated row must be in exactly one", Value = "DIR")]
    public IReadOnlyList<string> Merge { get; init; } = [];

    /// <summary>Whether only to estimate the work and the cost.</summary>
    [Option("estimate rows, tokens, price and time, check address and key by one call without cost, and ask nothing else")]
    public bool Plan { get; init; }

    /// <summary>Show the prompts of this many rows and ask nothing.</summary>
    [Option("show the exact prompts of the first rows and ask nothing", Value = "ROWS")]
    public int Preview { get; init; }

    /// <summary>Ask this many rows and show all of it, saving nothing.</summary>
    [Option("ask the first rows and show prompt, raw answer, thoughts, rationale and label of each; saves nothing", Value = "ROWS")]
    public int Try { get; init; }

    /// <summary>A page that shows what came of the rows; null: none.</summary>
    [Option("write a page with counts, costs and examples of kept and dropped rows", Value = "FILE.html")]
    public string? Report { get; init; }

    /// <summary>Whether to write what the journal has and ask nothing.</summary>
    [Option("ask nothing; write what the journal holds")]
    public bool Offline { get; init; }

    /// <summary>The prompt: a template's name or file; null: the one for the task.</summary>
    [Option(
        "prompt template: a file, or one of svamp, cqa, esnli, anli1, labels, choices, equation, text (default: by the task)",
        Value = "FILE")]
    public string? Prompt { get; init; }

    /// <summary>Conversation or text to be continued.</summary>
    [Option("chat, or completion for models without instruction tuning")]
    public PromptStyle Style { get; init; } = PromptStyle.Chat;

    /// <summary>Exemplars of the user's own, in place of the template's.</summary>
    [Option("exemplars in place of the template's: a JSONL file of rows with label and rationale", Value = "FILE")]
    public string? Exemplars { get; init; }

    /// <summary>Exemplars drawn from the train split's rows with rationales, in place of the template's.</summary>
    [Option("draw this many exemplars from the train split's rows that have a rationale", Value = "N")]
    public int DrawExemplars { get; init; }

    /// <summary>Whether answers are JSON objects of a schema; null: where the endpoint takes one.</summary>
    [Option(
        "ask for a JSON object by schema (rationale, label), or with false for free text (default: by schema where a "
        + "chat endpoint takes one)")]
    public bool? Structured { get; init; }

    /// <summary>Which text of a reasoning model becomes the rationale.</summary>
    [Option("the rationale is taken from the answer, or from the thoughts before it (reasoning models)")]
    public RationaleSource RationaleFrom { get; init; } = RationaleSource.Answer;

    /// <summary>Seeds drawing, waiting and, where it is sent, the teacher's sampling.</summary>
    [Option("seeds the drawing of exemplars, and is sent to the teacher where --send-seed is given")]
    public int Seed { get; init; }

    /// <summary>Whether the seed is sent to the teacher.</summary>
    [Option("send the seed to the teacher, with the sample's number added")]
    public bool SendSeed { get; init; }

    /// <summary>Samples a row; the label of most of them counts.</summary>
    [Option("samples a row; the label of most of them counts and its share of the votes is kept", Value = "N")]
    public int Samples { get; init; } = 1;

    /// <summary>Sampling temperature; null: 0 for one sample, 0.7 for several.</summary>
    [Option("sampling temperature (default: 0 for one sample, 0.7 for several)")]
    public double? Temperature { get; init; }

    /// <summary>The most tokens of an answer.</summary>
    [Option("most tokens of an answer")]
    public int MaxOutputTokens { get; init; } = 256;

    /// <summary>How much a reasoning model thinks; null: as it does by itself.</summary>
    [Option("how much a reasoning model thinks (default: as it does by itself); its thoughts count as output tokens")]
    public ReasoningEffort? ReasoningEffort { get; init; }

    /// <summary>How often a row is asked again, with an explanation of the fault, when its answer cannot be read.</summary>
    [Option(
        "how often to ask again, with an explanation, when an answer cannot be read; a cut answer is requested once "
        + "with four times the limit")]
    public int ParseRetries { get; init; } = 1;

    /// <summary>Whether to have the gold label explained where the teacher's is wrong or missing.</summary>
    [Option("where the teacher's label is wrong or missing, have it explain the gold label; marked in the provenance")]
    public bool Rationalize { get; init; }

    /// <summary>Fewest words of a rationale.</summary>
    [Option("drop rationales of fewer words: an answer without reasons", Value = "WORDS")]
    public int MinRationaleWords { get; init; } = 3;

    /// <summary>Most words of a rationale.</summary>
    [Option("drop rationales of more words", Value = "WORDS")]
    public int MaxRationaleWords { get; init; } = 200;

    /// <summary>Least share of the votes.</summary>
    [Option("drop rows whose label has a smaller share of the votes", Value = "SHARE")]
    public double MinVoteShare { get; init; }

    /// <summary>Whether to drop rows whose teacher label is not the gold label.</summary>
    [Option("drop rows whose teacher label is not the gold label (unless --rationalize explained it)")]
    public bool RequireAgreement { get; init; }

    /// <summary>Whether dropped rows are left out of the dataset.</summary>
    [Option("leave dropped rows out of the dataset (default: keep them without rationale)")]
    public bool DropRows { get; init; }

    /// <summary>Requests in flight.</summary>
    [Option("requests in flight", Value = "N")]
    public int Concurrency { get; init; } = 8;

    /// <summary>Requests per minute.</summary>
    [Option("most requests per minute (default: what the endpoint accepts)", Value = "N")]
    public double? RequestsPerMinute { get; init; }

    /// <summary>Tokens per minute.</summary>
    [Option("most tokens per minute, of prompts and answers (default: no limit)", Value = "N")]
    public double? TokensPerMinute { get; init; }

    /// <summary>How often a request is repeated after a fault that may pass.</summary>
    [Option("how often a request is repeated after 429, 5xx, a time-out or a cut answer")]
    public int Retries { get; init; } = 10;

    /// <summary>The first distance between repetitions, in seconds.</summary>
    [Option("seconds before the first repetition; doubled each time, at most a minute", Value = "SECONDS")]
    public double RetryDelay { get; init; } = 1;

    /// <summary>The longest that an answer may take, in seconds.</summary>
    [Option("seconds that an answer may take", Value = "SECONDS")]
    public double Timeout { get; init; } = 120;

    /// <summary>How many rows in succession may fail before the run stops.</summary>
    [Option(
        "stop after this many failed rows in succession; rows that the teacher refuses count only until it answered one", Value = "ROWS")]
    public int MaxFailures { get; init; } = 50;

    /// <summary>Whether to ask through the Batch API.</summary>
    [Option("ask through the endpoint's Batch API: cheaper and slower; pending jobs are resumed after a restart")]
    public bool Batch { get; init; }

    /// <summary>Requests of one job.</summary>
    [Option("requests of one batch job", Value = "N")]
    public int BatchSize { get; init; } = 20_000;

    /// <summary>Seconds between two checks of a job.</summary>
    [Option("seconds between two checks of a batch job", Value = "SECONDS")]
    public double BatchPoll { get; init; } = 60;

    /// <summary>The most to spend, in US dollars, counting what the journal holds.</summary>
    [Option("stop before this is spent, in US dollars; what the journal holds counts", Value = "DOLLARS")]
    public double? Budget { get; init; }

    /// <summary>The most tokens to spend, counting what the journal holds.</summary>
    [Option("stop before this many tokens are spent; what the journal holds counts", Value = "TOKENS")]
    public long? BudgetTokens { get; init; }

    /// <summary>A table of prices; null: the one that ships.</summary>
    [Option(
        "table of prices (JSON: models → name → input, output in dollars per million tokens, batch as a share of that)", Value = "FILE")]
    public string? Prices { get; init; }

    /// <summary>The endpoint's key.</summary>
    [Option(
        "the endpoint's key (default: OPENAI_API_KEY for api.openai.com, ANTHROPIC_API_KEY for api.anthropic.com, "
        + "AZURE_OPENAI_API_KEY for azure)",
        Secret = true)]
    public string? ApiKey { get; init; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Validate()
    {
        var faults = new List<string>();
        if (Data.Length == 0) faults.Add("--data is missing");
        if (Out.Length == 0 && !Plan && Preview == 0 && Try == 0) faults.Add("--out is required");
        if (Merge.Count == 0 && Teacher.Length == 0) faults.Add("--teacher is required");
        else if (Merge.Count == 0)
        {
            try
            {
                TeacherSpec.Parse(Teacher);
            }
            catch (InputException e)
            {
                faults.Add(e.Message);
            }
        }

        faults.AddRange(SelectionFaults());
        foreach (var split in Splits.Where(s => !SplitNames.All.Contains(s, StringComparer.Ordinal)))
            faults.Add($"--splits: expected {string.Join(", ", SplitNames.All)}, found \"{split}\"");
        if (Shard is not null && RowShard.TryParse(Shard) is null)
            faults.Add($"--shard: expected I/N with I from 0 to below N, found \"{Shard}\"");
        if (Limit is < 1) faults.Add($"--limit must be at least 1, found {Limit}");
        if (Preview < 0) faults.Add($"--preview must not be negative, found {Preview}");
        if (Try is < 0 or > 1000) faults.Add($"--try must be between 0 and 1000, found {Try}");
        if (Try > 0 && (Batch || Offline || Plan || Preview > 0 || Merge.Count > 0))
            faults.Add("--try stands alone: it asks at once and saves nothing");
        if (OutputFiles.Fault(Report, Overwrite, [Data, Prompt, Exemplars, Prices, .. Merge]) is { } fault) faults.Add(fault);
        else if (NoDirectory(Report) is { } missing) faults.Add($"--report: there is no directory {missing}");
        if (Exemplars is not null && DrawExemplars > 0) faults.Add("--exemplars and --draw-exemplars exclude each other");
        if (DrawExemplars is < 0 or > 64) faults.Add($"--draw-exemplars must be between 0 and 64, found {DrawExemplars}");
        if (Structured == true && Style == PromptStyle.Completion) faults.Add("--structured needs --style chat");
        if (RationaleFrom == RationaleSource.Thoughts && Style == PromptStyle.Completion)
            faults.Add("--rationale-from thoughts needs --style chat");
        if (Style == PromptStyle.Completion && Teacher.StartsWith("anthropic:", StringComparison.Ordinal))
            faults.Add("--style completion does not go with anthropic:, which takes conversations alone");
        if (Samples is < 1 or > 100) faults.Add($"--samples must be between 1 and 100, found {Samples}");
        if (Temperature is < 0 or > 2) faults.Add($"--temperature must be between 0 and 2, found {Temperature}");
        if (MaxOutputTokens is < 1 or > 100_000) faults.Add($"--max-output-tokens must be between 1 and 100000, found {MaxOutputTokens}");
        if (ParseRetries is < 0 or > MostParseRetries)
            faults.Add($"--parse-retries must be between 0 and {MostParseRetries}, found {ParseRetries}");
        if (MinRationaleWords < 0 || MaxRationaleWords < Math.Max(1, MinRationaleWords))
            faults.Add(
                $"--min-rationale-words and --max-rationale-words must be a range, found {MinRationaleWords} to {MaxRationaleWords}");
        if (!(MinVoteShare is >= 0 and <= 1)) faults.Add($"--min-vote-share must be between 0 and 1, found {MinVoteShare}");
        if (Concurrency is < 1 or > 1024) faults.Add($"--concurrency must be between 1 and 1024, found {Concurrency}");
        if (RequestsPerMinute is <= 0) faults.Add($"--requests-per-minute must be above 0, found {RequestsPerMinute}");
        if (TokensPerMinute is <= 0) faults.Add($"--tokens-per-minute must be above 0, found {TokensPerMinute}");
        if (Retries is < 0 or > 100) faults.Add($"--retries must be between 0 and 100, found {Retries}");
        if (!(RetryDelay is >= 0 and <= 60)) faults.Add($"--retry-delay must be between 0 and 60, found {RetryDelay}");
        if (!(Timeout is > 0 and <= 86_400)) faults.Add($"--timeout must be above 0 and at most 86400, found {Timeout}");
        if (MaxFailures < 1) faults.Add($"--max-failures must be at least 1, found {MaxFailures}");
        if (Batch && !Teacher.StartsWith("openai:", StringComparison.Ordinal)) faults.Add("--batch needs --teacher openai:…");
        if (BatchSize is < 1 or > 50_000) faults.Add($"--batch-size must be between 1 and 50000, found {BatchSize}");
        if (!(BatchPoll is > 0 and <= 86_400)) faults.Add($"--batch-poll must be above 0 and at most 86400, found {BatchPoll}");
        if (Budget is < 0) faults.Add($"--budget must not be negative, found {Budget}");
        if (BudgetTokens is < 0) faults.Add($"--budget-tokens must not be negative, found {BudgetTokens}");
        if (Merge.Count > 0 && (Shard is not null || Plan || Preview > 0 || Offline || Limit is not null))
            faults.Add("--merge stands alone: it asks nothing and takes all rows");
        return faults;
    }

    /// <summary>How a stage that runs this one goes on where the budget is spent; null: as <c>annotate</c> does.</summary>
    internal string? AfterBudget { get; init; }

    /// <summary>The splits that are annotated where they are there.</summary>
    internal IReadOnlyList<string> AnnotatedSplits => Splits.Count > 0 ? Splits
        : Select is null ? [SplitNames.Train, SplitNames.Validation] : [SplitNames.Train];

    private IEnumerable<string> SelectionFaults()
    {
        if (Select is not { } rows)
        {
            if (Model is not null || Selection != new SelectionOptions())
                yield return "--model, --by, --measure and --shortlist go with --select";
            yield break;
        }

        if (rows < 1) yield return $"--select must be at least 1, found {rows}";
        else foreach (var fault in Selection.Validate(rows)) yield return fault;
        if (Model is null && Selection.By != SelectionRule.Random)
            yield return $"--select by {Selection.By.ToString().ToLowerInvariant()} needs --model: the student that is asked";
        if (Out.Length == 0) yield return "--select needs --out: the rows are written to OUT.selected";
        if (Merge.Count > 0) yield return "--merge stands alone: it asks nothing and takes all rows";
        if (!AnnotatedSplits.Contains(SplitNames.Train, StringComparer.Ordinal))
            yield return $"--select chooses rows of {SplitNames.Train}, which --splits does not name";
    }

    // The directory that a report lacks; the output's own is there by the time that the report is written.
    private string? NoDirectory(string? report)
    {
        if (string.IsNullOrEmpty(report) || Path.GetDirectoryName(Path.GetFullPath(report)) is not { } directory) return null;
        return Directory.Exists(directory)
            || (Out.Length > 0 && Path.TrimEndingDirectorySeparator(Path.GetFullPath(Out)) == directory) ? null : directory;
    }
}
