using System.Net;

namespace DistillOnnx.Teacher.Clients;

/// <summary>A response as it came.</summary>
/// <param name="Status">The status.</param>
/// <param name="Body">The body; of a stream of events, the answer that they are parts of.</param>
/// <param name="RetryAfter">How long the endpoint asks to wait; null where it gives no time.</param>
/// <param name="Location">Where the endpoint sends the client; null: nowhere.</param>
internal readonly record struct OpenAIReply(HttpStatusCode Status, byte[] Body, TimeSpan? RetryAfter = null, Uri? Location = null)
{
    /// <summary>Whether the request was accepted.</summary>
    public bool IsSuccess => (int)Status is >= 200 and < 300;
}
