using Microsoft.Extensions.AI;

namespace DistillOnnx.Teacher.Limits;

/// <summary>
/// Asks again what may pass, at doubling distances with some randomness so that many requests do not come back at once, and
/// not before the endpoint's Retry-After. Requests rejected as too many wait a single delay: how many are sent is the
/// rate limiter's to find. What has not passed in the end is a fault of that request alone; an endpoint that cannot be reached
/// any more is one of the whole run, and one that never was reached is usually a wrong address, which is reported soon.
/// </summary>
/// <param name="inner">The teacher.</param>
/// <param name="retries">How often a request is repeated.</param>
/// <param name="delay">The first distance.</param>
/// <param name="seed">Seeds the randomness.</param>
/// <param name="clock">Waits.</param>
internal sealed class RetryingChatClient(
    IChatClient inner, int retries, TimeSpan delay, int seed, TimeProvider clock) : DelegatingChatClient(inner)
{
    private static readonly TimeSpan LongestDelay = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LongestRetryAfter = TimeSpan.FromMinutes(10);
    private const int RetriesUnknown = 2;
    private const int RetriesUnreadable = 2;
    private readonly Random _random = new(seed);
    private volatile bool _reached;
    private long _retried;

    /// <summary>How many times a request was repeated so far.</summary>
    public long Retried => Interlocked.Read(ref _retried);

    /// <inheritdoc/>
    public override async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var charges = new UsageDetails();
        try
        {
            return await RepeatAsync(messages, options, charges, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (Charged(charges) is { } lost)
        {
            throw new ChargedCancellationException(lost, e);
        }
    }

    private async Task<ChatResponse> RepeatAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options, UsageDetails charges, CancellationToken cancellationToken)
    {
        var unreadable = 0;
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                var response = await base.GetResponseAsync(messages, options, cancellationToken).ConfigureAwait(false);
                _reached = true;
                if (Charged(charges) is { } before) (response.Usage ??= new UsageDetails()).Add(before);
                return response;
            }
            catch (TeacherException e)
            {
                _reached |= e.Fault != TeacherFault.Unreachable;
                if (e.Usage is { } charged) charges.Add(charged);
                var lost = Charged(charges);
                if (!e.MayPass && lost is null) throw;
                if (!e.MayPass) throw new TeacherException(e.Fault, e.Message, e.RetryAfter, e) { Usage = lost };
                if (e.Unreadable) unreadable++;
                if (e.RetryAfter > LongestRetryAfter)
                    throw new TeacherException(
                        TeacherFault.Fatal,
                        $"{e.Message}; the endpoint asks to wait {e.RetryAfter.Value.TotalMinutes:0} minutes: run again "
                        + "then, the answers so far are kept",
                        inner: e)
                    {
                        Usage = lost,
                    };
                // An answer that cannot be read is charged as any other, and the next one is mostly like it.
                if (unreadable > RetriesUnreadable || attempt >= (_reached ? retries : Math.Min(retries, RetriesUnknown)))
                    throw GivenUp(e, attempt + 1, lost);
                Interlocked.Increment(ref _retried);
                var wait = Backoff(e.Fault == TeacherFault.Throttled ? 0 : attempt);
                await Task.Delay(Later(e.RetryAfter ?? TimeSpan.Zero, wait), clock, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private static UsageDetails? Charged(UsageDetails charges) =>
        charges is { InputTokenCount: null, OutputTokenCount: null } ? null : charges;

    private TeacherException GivenUp(TeacherException e, int attempts, UsageDetails? lost) => e.Fault != TeacherFault.Unreachable
        ? new TeacherException(TeacherFault.Request, $"{e.Message} ({attempts} attempts)", inner: e) { Usage = lost }
        : new TeacherException(_reached ? TeacherFault.Fatal : TeacherFault.Setup, e.Message, inner: e) { Usage = lost };

    private TimeSpan Backoff(int attempt)
    {
        double random;
        lock (_random) random = _random.NextDouble();
        var doubled = delay * Math.Pow(2, Math.Min(attempt, 20));
        return (doubled < LongestDelay ? doubled : LongestDelay) * (0.5 + random / 2);
    }

    private static TimeSpan Later(TimeSpan a, TimeSpan b) => a > b ? a : b;
}
