using DistillOnnx.Teacher.Journaling;
using Microsoft.Extensions.AI;

namespace DistillOnnx.Teacher.Limits;

/// <summary>Sends no request that the budget might not cover.</summary>
/// <param name="inner">The teacher.</param>
/// <param name="budget">The budget.</param>
internal sealed class BudgetedChatClient(IChatClient inner, Budget budget) : DelegatingChatClient(inner)
{
    // An estimate of the prompt may be short by this much.
    internal const double Margin = 1.5;
    private const int UnlimitedOutput = 4096;
    private volatile bool _exhausted;
    private long _largest;
    private long _uncounted;

    /// <summary>Answers whose tokens the endpoint did not count.</summary>
    public long Uncounted => Interlocked.Read(ref _uncounted);

    /// <summary>Whether a request was held back.</summary>
    public bool Exhausted
    {
        get => _exhausted;
        private set => _exhausted = value;
    }

    /// <inheritdoc/>
    public override async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var input = (long)(TokenEstimate.Prompt(messages) * Margin);
        // Some endpoints count thoughts beyond the limit; the next answer may have as many as any before.
        var output = Math.Max(options?.MaxOutputTokens ?? UnlimitedOutput, Interlocked.Read(ref _largest));
        if (!await budget.ReserveAsync(input, output, cancellationToken).ConfigureAwait(false))
        {
            Exhausted = true;
            throw new TeacherException(TeacherFault.Request, JournaledChatClient.NotAsked);
        }

        long takenInput = 0, takenOutput = 0;
        try
        {
            var response = await base.GetResponseAsync(messages, options, cancellationToken).ConfigureAwait(false);
            if (TryCount(response, input, output, budget.Limits)) Interlocked.Increment(ref _uncounted);
            (takenInput, takenOutput) = (response.Usage!.InputTokenCount!.Value, response.Usage.OutputTokenCount!.Value);
            NoteLargest(takenOutput);
            return response;
        }
        catch (TeacherException e) when (e.Usage is { } lost)
        {
            (takenInput, takenOutput) = (lost.InputTokenCount ?? input, lost.OutputTokenCount ?? output);
            throw;
        }
        finally
        {
            budget.Settle(input, output, takenInput, takenOutput);
        }
    }

    /// <summary>
    /// Counts an answer whose tokens the endpoint did not: what the journal does not count, a later run would spend again. So the most
    /// that it can have been, where spending is limited, and else an estimate.
    /// </summary>
    /// <param name="response">The answer; its usage is whole afterwards.</param>
    /// <param name="input">Tokens that were reserved for the prompt.</param>
    /// <param name="output">Tokens that were reserved for the answer.</param>
    /// <param name="limited">Whether spending is limited.</param>
    /// <returns>False where the endpoint counted both.</returns>
    internal static bool TryCount(ChatResponse response, long input, long output, bool limited)
    {
        if (response.Usage is { InputTokenCount: not null, OutputTokenCount: not null }) return false;
        var written = limited ? output : (long)Math.Ceiling(TokenEstimate.Answer(response) * Margin);
        response.Usage = new UsageDetails
        {
            InputTokenCount = response.Usage?.InputTokenCount ?? input,
            OutputTokenCount = response.Usage?.OutputTokenCount ?? written,
            ReasoningTokenCount = response.Usage?.ReasoningTokenCount,
        };
        return true;
    }

    private void NoteLargest(long output)
    {
        for (var seen = Interlocked.Read(ref _largest); output > seen; seen = Interlocked.Read(ref _largest))
        {
            if (Interlocked.CompareExchange(ref _largest, output, seen) == seen) return;
        }
    }
}
