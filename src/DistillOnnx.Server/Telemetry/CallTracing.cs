using System.Diagnostics;

namespace DistillOnnx.Server.Telemetry;

/// <summary>
/// The stages of a call as spans below the request's own, made after the fact: nothing is spent on calls that are not
/// traced.
/// </summary>
internal static class CallTracing
{
    /// <summary>Adds the spans of an answered call that ends now.</summary>
    public static void Add(
        ActivitySource source, string model, int rows, TimeSpan tokenize, TimeSpan queue, TimeSpan inference, TimeSpan total)
    {
        if (Activity.Current is not { IsAllDataRequested: true } parent) return;
        parent.SetTag("distillonnx.model", model);
        parent.SetTag("distillonnx.rows", rows);
        var start = DateTimeOffset.UtcNow - total;
        start = Span(source, parent, "tokenize", start, tokenize);
        start = Span(source, parent, "queue", start, queue);
        Span(source, parent, "inference", start, inference);
    }

    private static DateTimeOffset Span(ActivitySource source, Activity parent, string name, DateTimeOffset start, TimeSpan duration)
    {
        using var span = source.StartActivity(ActivityKind.Internal, parent.Context, startTime: start, name: name);
        span?.SetEndTime((start + duration).UtcDateTime);
        return start + duration;
    }
}
