namespace DistillOnnx.Server.Rest;

/// <summary>
/// Keeps back what the transcoder writes where it answers with an error, so that it is written as all other errors are: the
/// transcoder spells out fields that are empty.
/// </summary>
internal sealed class TranscodedFaults : Stream
{
    private readonly HttpResponse _response;

    private readonly Stream _body;

    private readonly MemoryStream _fault = new();

    private TranscodedFaults(HttpResponse response)
    {
        _response = response;
        _body = response.Body;
    }

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    private bool IsFault => !_response.HasStarted && _response.StatusCode >= StatusCodes.Status400BadRequest;

    /// <summary>Runs what comes after, and writes its errors.</summary>
    public static async Task RunAsync(HttpContext context, RequestDelegate next)
    {
        using var faults = new TranscodedFaults(context.Response);
        context.Response.Body = faults;
        try
        {
            await next(context);
        }
        finally
        {
            context.Response.Body = faults._body;
        }

        if (faults._fault.Length > 0) await RestFaults.WriteAsync(context, faults._fault.ToArray());
    }

    public override void Write(byte[] buffer, int offset, int count) => (IsFault ? _fault : _body).Write(buffer, offset, count);

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        (IsFault ? _fault : _body).WriteAsync(buffer, offset, count, cancellationToken);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        (IsFault ? _fault : _body).WriteAsync(buffer, cancellationToken);

    public override void Flush() => (IsFault ? _fault : _body).Flush();

    public override Task FlushAsync(CancellationToken cancellationToken) => (IsFault ? _fault : _body).FlushAsync(cancellationToken);

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) _fault.Dispose();
        base.Dispose(disposing);
    }
}
