using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;

namespace DistillOnnx.Server.Rest;

/// <summary>The body of a REST request, unpacked, within the limit of a message.</summary>
internal static class RequestBody
{
    private const int PartLength = 16 << 10;

    // A header of ten bytes, at least two of data, a checksum and the length.
    private const int LeastGzip = 20;

    /// <summary>Reads all of it.</summary>
    /// <exception cref="RestException">It is too large, compressed in a way that is not known, or not what its encoding says.</exception>
    public static async Task<ReadOnlyMemory<byte>> ReadAsync(HttpRequest request, int limit, CancellationToken cancellationToken)
    {
        var encoding = request.Headers.ContentEncoding.ToString();
        Func<byte[], int, byte[]> unpack = encoding.ToUpperInvariant() switch
        {
            "" or "IDENTITY" => static (body, _) => body,
            "GZIP" => UnpackGzip,
            "BR" => UnpackBrotli,
            _ => throw new RestException(
                StatusCodes.Status415UnsupportedMediaType, $"content-encoding: expected gzip, br or identity, found \"{encoding}\""),
        };
        using var whole = new MemoryStream();
        var part = new byte[PartLength];
        for (int read; (read = await request.Body.ReadAsync(part, cancellationToken)) > 0;) Add(whole, part.AsSpan(0, read), limit);
        return unpack(whole.ToArray(), limit);
    }

    private static byte[] UnpackGzip(byte[] body, int limit)
    {
        using var packed = new MemoryStream(body);
        using var gzip = new GZipStream(packed, CompressionMode.Decompress);
        using var whole = new MemoryStream();
        var part = new byte[PartLength];
        try
        {
            for (int read; (read = gzip.Read(part)) > 0;) Add(whole, part.AsSpan(0, read), limit);
        }
        catch (InvalidDataException)
        {
            throw NotPacked("gzip");
        }

        // What is cut short ends without an error, and what follows the stream is left unread. A whole stream ends with its length.
        if (body.Length < LeastGzip || BinaryPrimitives.ReadUInt32LittleEndian(body.AsSpan(^sizeof(uint))) != whole.Length)
            throw NotWhole("gzip");
        return whole.ToArray();
    }

    private static byte[] UnpackBrotli(byte[] body, int limit)
    {
        using var decoder = new BrotliDecoder();
        using var whole = new MemoryStream();
        var part = new byte[PartLength];
        var packed = body.AsSpan();
        while (true)
        {
            var status = decoder.Decompress(packed, part, out var read, out var written);
            if (status == OperationStatus.InvalidData) throw NotPacked("br");
            Add(whole, part.AsSpan(0, written), limit);
            packed = packed[read..];
            if (status == OperationStatus.DestinationTooSmall) continue;
            if (status == OperationStatus.NeedMoreData || packed.Length > 0) throw NotWhole("br");
            return whole.ToArray();
        }
    }

    private static void Add(MemoryStream whole, ReadOnlySpan<byte> part, int limit)
    {
        if (whole.Length + part.Length > limit)
            throw new RestException(StatusCodes.Status413PayloadTooLarge, $"body: expected at most {limit} bytes");
        whole.Write(part);
    }

    private static RestException NotPacked(string encoding) =>
        new(StatusCodes.Status400BadRequest, $"body: expected {encoding} as content-encoding says, and it is not");

    private static RestException NotWhole(string encoding) => new(
        StatusCodes.Status400BadRequest,
        $"body: expected one whole {encoding} stream, found one that is cut short or followed by other bytes");
}
