using Microsoft.Extensions.AI;

namespace DistillOnnx.Teacher.Limits;

/// <summary>Sends requests no faster than a limiter lets them through, and holds back when the endpoint asks for it.</summary>
/// <param name="inner">The teacher.</param>
/// <param name="limiter">The limiter.</param>
/// <param name="expectedOutputTokens">Tokens that an answer is expected to have.</param>
internal sealed class RateLimitedChatClient(IChatClient inner, RateLimiter limiter, int expectedOutputTokens) : DelegatingChatClient(inner)
{
    private long _sent;

    /// <summary>How many requests were sent so far, repetitions among them.</summary>
    public long Sent => Interlocked.Read(ref _sent);

    /// <inheritdoc/>
    public override async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var expected = TokenEstimate.Prompt(messages) + expectedOutputTokens;
        await limiter.AcquireAsync(expected, cancellationToken).ConfigureAwait(false);
        Interlocked.Increment(ref _sent);
        try
        {
            var response = await base.GetResponseAsync(messages, options, cancellationToken).ConfigureAwait(false);
            limiter.Answered();
            if (response.Usage is { InputTokenCount: { } input, OutputTokenCount: { } output }) limiter.Correct(input + output - expected);
            return response;
        }
        catch (TeacherException e)
        {
            if (e.Fault == TeacherFault.Throttled)
            {
                // Rejected requests take no tokens.
                limiter.TurnedAway(e.RetryAfter);
                limiter.Correct(-expected);
                throw;
            }

            limiter.Answered();
            if (e.RetryAfter is { } wait) limiter.Pause(wait);
            throw;
        }
    }
}
