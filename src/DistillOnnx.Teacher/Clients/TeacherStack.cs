using DistillOnnx.Core;
using DistillOnnx.Teacher.Journaling;
using DistillOnnx.Teacher.Limits;
using Microsoft.Extensions.AI;

namespace DistillOnnx.Teacher.Clients;

/// <summary>A teacher with everything around it: journal over budget over repetition over rate over the client itself.</summary>
internal sealed class TeacherStack : IDisposable
{
    private readonly AnnotateOptions _options;
    private readonly Journal _journal;
    private readonly RateLimitedChatClient? _limited;
    private readonly RetryingChatClient? _retrying;
    private readonly BudgetedChatClient? _budgeted;
    private long _uncounted;
    private long _batched;

    public TeacherStack(AnnotateOptions options, TeacherSpec spec, IChatClient? client, Journal journal, TimeProvider clock)
    {
        _options = options;
        _journal = journal;
        Prices = PriceTable.Find(spec.Priced, options.Prices);
        if (options.Budget is not null && (Prices is null ? spec.Priced : Ledger.Unknown(journal.Totals, options.Prices)) is { } unknown)
            throw new InputException(
                $"--budget: the table of prices does not know \"{unknown}\"; give --prices, or limit tokens by --budget-tokens");
        if (!options.Offline)
        {
            client ??= CreateClient(options, spec, clock);
            Client = client;
            var limiter = new RateLimiter(options.RequestsPerMinute, options.TokensPerMinute, clock);
            _limited = new RateLimitedChatClient(client, limiter, Math.Max(1, options.MaxOutputTokens / 2));
            _retrying = new RetryingChatClient(_limited, options.Retries, TimeSpan.FromSeconds(options.RetryDelay), options.Seed, clock);
            _budgeted = new BudgetedChatClient(_retrying, NewBudget());
        }

        Journaled = new JournaledChatClient(_budgeted, journal, Name(spec, options), spec.Priced, clock);
    }

    /// <summary>The outermost client.</summary>
    public JournaledChatClient Journaled { get; }

    /// <summary>The teacher itself; null where nothing is asked.</summary>
    public IChatClient? Client { get; }

    /// <summary>What the model refuses; null where the client does not report it.</summary>
    public RefusedParameters? Refused =>
        Client switch { OpenAIChatClient openAI => openAI.Refused, ProviderChatClient provider => provider.Refused, _ => null };

    /// <summary>What tokens cost; null where that is not known.</summary>
    public PriceTable? Prices { get; }

    /// <summary>How fast a model within this process answers; null where there is none, or no answer yet.</summary>
    public double? TokensPerSecond => (Client as GenAIChatClient)?.TokensPerSecond;

    /// <summary>How many requests were sent, repetitions and those of batch jobs among them.</summary>
    public long Sent => (_limited?.Sent ?? 0) + (Refused?.Resent ?? 0) + Interlocked.Read(ref _batched);

    /// <summary>Notes a request of a batch job whose result came, whatever it is.</summary>
    public void NoteBatched() => Interlocked.Increment(ref _batched);

    /// <summary>How many requests were repeated.</summary>
    public long Retried => _retrying?.Retried ?? 0;

    /// <summary>Answers whose tokens the endpoint did not count.</summary>
    public long Uncounted => (_budgeted?.Uncounted ?? 0) + Interlocked.Read(ref _uncounted);

    /// <summary>Notes one that came by a batch job.</summary>
    public void NoteUncounted() => Interlocked.Increment(ref _uncounted);

    /// <summary>Whether the budget held a request back.</summary>
    public bool Exhausted
    {
        get => field || (_budgeted?.Exhausted ?? false);
        set;
    }

    /// <summary>What is left to spend, beyond all that the journal holds.</summary>
    public Budget NewBudget() => new(
        _options.Budget,
        _options.BudgetTokens,
        Prices,
        Ledger.Cost(_journal.Totals, _options.Prices) ?? 0,
        _journal.Tokens.Input + _journal.Tokens.Output,
        _options.Batch);

    /// <summary>The model and how it is asked, for keys. The address does not change the answers.</summary>
    public static string Name(TeacherSpec spec, AnnotateOptions options) => $"{spec.Kind}:{spec.Model}:{options.Style}";

    /// <summary>The bare client.</summary>
    public static IChatClient CreateClient(AnnotateOptions options, TeacherSpec spec, TimeProvider clock) => spec.Kind switch
    {
        "rules" => throw new InputException(
            "--teacher rules: the rule-based teacher is part of DistillOnnx.Toolchain; call AnnotateStage.RunAsync"),
        "genai" => GenAITeacher.Open(spec.Model, options.Style, clock),
        "anthropic" => Providers.Anthropic(spec, Key(options, spec), TimeSpan.FromSeconds(options.Timeout), clock),
        "ollama" => Providers.Ollama(spec, Key(options, spec), TimeSpan.FromSeconds(options.Timeout), clock),
        _ => new OpenAIChatClient(
            spec, Key(options, spec), options.Style, TimeSpan.FromSeconds(options.Timeout), options.Concurrency, clock),
    };

    public void Dispose() => Journaled.Dispose();

    // A key for one service is not shown to another.
    private static string? Key(AnnotateOptions options, TeacherSpec spec) => options.ApiKey ?? spec switch
    {
        { Kind: "openai" } when spec.Url!.Host == TeacherSpec.DefaultUrl.Host => Environment.GetEnvironmentVariable("OPENAI_API_KEY"),
        { Kind: "anthropic" } when spec.Url!.Host == TeacherSpec.AnthropicUrl.Host =>
            Environment.GetEnvironmentVariable("ANTHROPIC_API_KEY"),
        { Kind: "azure" } => Environment.GetEnvironmentVariable("AZURE_OPENAI_API_KEY"),
        _ => null,
    };
}
