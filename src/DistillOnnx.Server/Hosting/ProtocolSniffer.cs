using System.Buffers;
using System.IO.Pipelines;

namespace DistillOnnx.Server.Hosting;

/// <summary>Tells HTTP/2 with prior knowledge (RFC 9113 §3.4) from HTTP/1.1 by the first bytes of a connection.</summary>
internal static class ProtocolSniffer
{
    private static ReadOnlySpan<byte> Preface => "PRI"u8;

    /// <summary>Looks at the first bytes and leaves them to be read. Null: the client closed before it sent any.</summary>
    public static async ValueTask<bool?> IsHttp2Async(PipeReader input, CancellationToken cancellationToken)
    {
        while (true)
        {
            var result = await input.ReadAsync(cancellationToken);
            var buffer = result.Buffer;
            var verdict = Judge(buffer);
            var decided = verdict is not null || result.IsCompleted;
            if (!decided)
            {
                input.AdvanceTo(buffer.Start, buffer.End);
                continue;
            }

            var empty = buffer.IsEmpty;
            input.AdvanceTo(buffer.Start);
            return empty ? null : verdict ?? false;
        }
    }

    private static bool? Judge(ReadOnlySequence<byte> buffer)
    {
        Span<byte> head = stackalloc byte[Preface.Length];
        var length = (int)Math.Min(buffer.Length, head.Length);
        buffer.Slice(0, length).CopyTo(head);
        if (!Preface.StartsWith(head[..length])) return false;
        return length == Preface.Length ? true : null;
    }
}
