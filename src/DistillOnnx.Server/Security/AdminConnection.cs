namespace DistillOnnx.Server.Security;

/// <summary>A feature that marks connections to an admin address.</summary>
internal sealed class AdminConnection
{
    public static AdminConnection Instance { get; } = new();
}
