namespace DistillOnnx.Server.Models;

/// <summary>A request names a model or version that is not served.</summary>
internal sealed class ModelNotFoundException(string message) : Exception(message);
