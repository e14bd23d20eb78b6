namespace DistillOnnx.Server.Telemetry;

/// <summary>Every message that the server logs, with an event id that stays. None of them carries a user's text.</summary>
internal static partial class ServerLog
{
    [LoggerMessage(1, LogLevel.Information, "Listening on {Address}")]
    public static partial void Listening(this ILogger logger, string address);

    [LoggerMessage(2, LogLevel.Information, "Model {Model} version {Version} is ready on {Device} after {Milliseconds:0} ms")]
    public static partial void ModelReady(this ILogger logger, string model, string version, string device, double milliseconds);
}
