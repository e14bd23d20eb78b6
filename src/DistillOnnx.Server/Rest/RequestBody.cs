using System.IO.Compression;

namespace DistillOnnx.Server.Rest;

/// <summary>The body of a REST request, unpacked, within the limit of a message.</summary>
internal static class RequestBody
{
    /// <summary>Reads all of it.</summary>
    /// <exception cref="RestException">It is too large, compressed in a way that is not known, or not what its encoding says.</exception>
    public static async Task<ReadOnlyMemory<byte>> ReadAsync(HttpRequest request, int limit, CancellationToken cancellationToken)
    {
        var encoding = request.Headers.ContentEncoding.ToString();
        await using var body = encoding.ToUpperInvariant() switch
        {
            "" or "IDENTITY" => request.Body,
            "GZIP" => new GZipStream(request.Body, CompressionMode.Decompress),
            "BR" => new BrotliStream(request.Body, CompressionMode.Decompress),
            _ => throw new RestException(
                StatusCodes.Status415UnsupportedMediaType, $"content-encoding: expected gzip, br or identity, found \"{encoding}\""),
        };
        using var whole = new MemoryStream();
        var part = new byte[16 << 10];
        try
        {
            for (int read; (read = await body.ReadAsync(part, cancellationToken)) > 0;)
            {
                if (whole.Length + read > limit)
                    throw new RestException(StatusCodes.Status413PayloadTooLarge, $"body: expected at most {limit} bytes");
                whole.Write(part, 0, read);
            }
        }
        catch (Exception e) when (e is InvalidDataException or InvalidOperationException)
        {
            // Brotli's reader has InvalidOperationException for the same.
            throw new RestException(StatusCodes.Status400BadRequest, $"body: expected {encoding} as content-encoding says, and it is not");
        }

        return whole.GetBuffer().AsMemory(0, (int)whole.Length);
    }
}
