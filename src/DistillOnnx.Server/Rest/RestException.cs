namespace DistillOnnx.Server.Rest;

/// <summary>A REST request that ends with an HTTP status that gRPC has no code for.</summary>
internal sealed class RestException(int status, string message) : Exception(message)
{
    public int Status { get; } = status;
}
