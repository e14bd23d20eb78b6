using System.Collections.Concurrent;
using Microsoft.Extensions.AI;

namespace DistillOnnx.Teacher.Journaling;

/// <summary>
/// Answers from the journal what is in it, and puts into it what the teacher answers. Equal requests that come while one of
/// them is under way wait for that one, so that none is paid twice.
/// </summary>
/// <param name="inner">The teacher; null: nothing is asked.</param>
/// <param name="journal">The journal.</param>
/// <param name="name">The model and how it is asked: a part of every key.</param>
/// <param name="model">The model as prices list it: whose tokens they are.</param>
/// <param name="clock">Source of the time at which an answer arrived.</param>
internal sealed class JournaledChatClient(IChatClient? inner, Journal journal, string name, string model, TimeProvider clock) : IChatClient
{
    /// <summary>The fault of a request that is not in the journal and may not be asked.</summary>
    public const string NotAsked = "not asked";

    private readonly ConcurrentDictionary<UInt128, Lazy<Task<JournalEntry>>> _underWay = new();
    private readonly ConcurrentDictionary<UInt128, (TeacherFault Fault, string Reason)> _refused = new();
    private long _hits;
    private long _asked;

    /// <summary>Whether only the journal answers.</summary>
    public bool Offline { get; set; }

    /// <summary>Takes requests that the journal does not answer, to be asked in bulk; null: they are asked at once.</summary>
    public Action<UInt128, IList<ChatMessage>, ChatOptions>? Collector { get; set; }

    /// <summary>Requests that the journal answered.</summary>
    public long Hits => Interlocked.Read(ref _hits);

    /// <summary>Requests that the teacher answered.</summary>
    public long Asked => Interlocked.Read(ref _asked);

    /// <inheritdoc/>
    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var prompt = messages as IList<ChatMessage> ?? [.. messages];
        options = options?.Clone() ?? new ChatOptions();
        var key = RequestKey.Compute(name, prompt, options);
        if (journal.Find(key) is { } known)
        {
            Interlocked.Increment(ref _hits);
            return Response(known);
        }

        if (_refused.TryGetValue(key, out var refusal)) throw new TeacherException(refusal.Fault, refusal.Reason);
        if (Collector is { } collect)
        {
            (options.AdditionalProperties ??= [])[RequestKey.Idempotency] = Journal.Text(key);
            collect(key, prompt, options);
            throw new TeacherException(TeacherFault.Request, NotAsked);
        }

        if (Offline || inner is null) throw new TeacherException(TeacherFault.Request, NotAsked);
        var mine = new Lazy<Task<JournalEntry>>(() => AskAsync(inner, key, prompt, options, cancellationToken));
        var shared = _underWay.GetOrAdd(key, mine);
        try
        {
            // The one that asks is waited for to its end: what it was charged at is noted before it stops.
            var asking = ReferenceEquals(shared, mine) ? shared.Value : shared.Value.WaitAsync(cancellationToken);
            return Response(await asking.ConfigureAwait(false));
        }
        finally
        {
            if (ReferenceEquals(shared, mine)) _underWay.TryRemove(key, out _);
        }
    }

    /// <summary>Notes that a request cannot be answered.</summary>
    /// <param name="key">The request's key.</param>
    /// <param name="fault">Why.</param>
    public void Refuse(UInt128 key, TeacherException fault) => _refused[key] = (fault.Fault, fault.Message);

    /// <summary>Keeps an answer that was asked for in bulk.</summary>
    /// <param name="key">The request's key.</param>
    /// <param name="response">The answer.</param>
    /// <returns>False where the journal has one.</returns>
    public async Task<bool> KeepAsync(UInt128 key, ChatResponse response)
    {
        if (journal.Contains(key)) return false;
        await journal.AppendAsync(Entry(key, response) with { Batch = true }).ConfigureAwait(false);
        Interlocked.Increment(ref _asked);
        return true;
    }

    /// <summary>Counts what an answer was charged at that was asked for in bulk and could not be read.</summary>
    /// <param name="key">The request's key.</param>
    /// <param name="usage">What it took.</param>
    /// <param name="charge">Names the charge, which counts once.</param>
    public Task LoseAsync(UInt128 key, UsageDetails usage, string charge) => journal.Counts(charge)
        ? Task.CompletedTask
        : journal.AppendAsync(Entry(key, new ChatResponse { Usage = usage }) with { Lost = true, Batch = true, Charge = charge });

    /// <inheritdoc/>
    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException("answers are kept whole and not streamed");

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null) => inner?.GetService(serviceType, serviceKey);

    /// <inheritdoc/>
    public void Dispose() => inner?.Dispose();

    private async Task<JournalEntry> AskAsync(
        IChatClient teacher, UInt128 key, IList<ChatMessage> prompt, ChatOptions options, CancellationToken cancellationToken)
    {
        // One that waited for the same request and lost the race finds its answer here.
        if (journal.Find(key) is { } known) return known;
        (options.AdditionalProperties ??= [])[RequestKey.Idempotency] = Journal.Text(key);
        ChatResponse response;
        try
        {
            response = await teacher.GetResponseAsync(prompt, options, cancellationToken).ConfigureAwait(false);
        }
        catch (TeacherException e) when (e.OfRequest || e.Usage is not null)
        {
            if (e.OfRequest) _refused[key] = (e.Fault, e.Message);
            if (e.Usage is { } lost) await LoseAsync(lost).ConfigureAwait(false);
            throw;
        }
        catch (ChargedCancellationException e)
        {
            await LoseAsync(e.Usage).ConfigureAwait(false);
            throw;
        }

        var entry = Entry(key, response);
        await journal.AppendAsync(entry).ConfigureAwait(false);
        Interlocked.Increment(ref _asked);
        return entry;

        Task LoseAsync(UsageDetails lost) => journal.AppendAsync(Entry(key, new ChatResponse { Usage = lost }) with { Lost = true });
    }

    private JournalEntry Entry(UInt128 key, ChatResponse response) => new()
    {
        Key = Journal.Text(key),
        Teacher = model,
        Model = response.ModelId ?? model,
        Text = response.Text,
        Thoughts = string.Concat(response.Messages.SelectMany(m => m.Contents)
            .OfType<TextReasoningContent>()
            .Select(c => c.Text)) is { Length: > 0 } thoughts
            ? thoughts
            : null,
        ReasoningTokens = response.Usage?.ReasoningTokenCount ?? 0,
        Finish = response.FinishReason?.Value,
        InputTokens = response.Usage?.InputTokenCount ?? 0,
        OutputTokens = response.Usage?.OutputTokenCount ?? 0,
        At = clock.GetUtcNow(),
    };

    private static ChatResponse Response(JournalEntry entry) =>
        new(new ChatMessage(
            ChatRole.Assistant,
            entry.Thoughts is null
                ? [new TextContent(entry.Text)]
                : [new TextReasoningContent(entry.Thoughts), new TextContent(entry.Text)]))
        {
            ModelId = entry.Model,
            CreatedAt = entry.At,
            FinishReason = entry.Finish is null ? null : new ChatFinishReason(entry.Finish),
            Usage = new UsageDetails
            {
                InputTokenCount = entry.InputTokens,
                OutputTokenCount = entry.OutputTokens,
                ReasoningTokenCount = entry.ReasoningTokens,
            },
        };
}
