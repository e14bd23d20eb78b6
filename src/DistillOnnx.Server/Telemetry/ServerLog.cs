namespace DistillOnnx.Server.Telemetry;

/// <summary>
/// Every message that the server logs, with an event id that stays. Only messages at <see cref="LogLevel.Trace"/> may carry
/// a user's text.
/// </summary>
internal static partial class ServerLog
{
    [LoggerMessage(1, LogLevel.Information, "Listening on {Address}")]
    public static partial void Listening(this ILogger logger, string address);

    [LoggerMessage(2, LogLevel.Warning, "{Address} can be reached from other machines, and callers need not prove who they are")]
    public static partial void OpenToAll(this ILogger logger, string address);

    [LoggerMessage(3, LogLevel.Warning, "{Address} can be reached from other machines, and what is sent there is not encrypted")]
    public static partial void NotEncrypted(this ILogger logger, string address);

    [LoggerMessage(4, LogLevel.Information, "At most {Connections} connections at a time: the process may have {Files} files open")]
    public static partial void FewerConnections(this ILogger logger, int connections, long files);

    [LoggerMessage(5, LogLevel.Information, "At most {Rows} inputs of a request: more may not wait")]
    public static partial void FewerRequestRows(this ILogger logger, int rows);

    [LoggerMessage(10, LogLevel.Information, "Model {Model} version {Version} is ready on {Device} after {Milliseconds:0} ms")]
    public static partial void ModelReady(this ILogger logger, string model, string version, string device, double milliseconds);

    [LoggerMessage(11, LogLevel.Error, "Model {Model}: the bundle in {Directory} is not served: {Reason}")]
    public static partial void ModelRejected(this ILogger logger, string model, string directory, string reason);

    [LoggerMessage(12, LogLevel.Information, "Model {Model} version {Version} is out of service")]
    public static partial void ModelRetired(this ILogger logger, string model, string version);

    [LoggerMessage(13, LogLevel.Error, "The model folder {Directory} cannot be read")]
    public static partial void FolderUnreadable(this ILogger logger, Exception exception, string directory);

    [LoggerMessage(14, LogLevel.Warning, "The bundle in {Directory} has no golden rows to check its answers by")]
    public static partial void NoGoldenRows(this ILogger logger, string directory);

    [LoggerMessage(15, LogLevel.Information, "{Note}")]
    public static partial void RunsOtherwise(this ILogger logger, string note);

    [LoggerMessage(16, LogLevel.Warning, "{Directory} is not served: {Reason}")]
    public static partial void DirectoryNotServed(this ILogger logger, string directory, string reason);

    [LoggerMessage(20, LogLevel.Error, "Model {Model} version {Version} failed on a row of {Tokens} tokens")]
    public static partial void RowFailed(this ILogger logger, Exception exception, string model, string version, int tokens);

    [LoggerMessage(21, LogLevel.Debug, "Model {Model}: {Rows} rows answered in {Milliseconds:0.0} ms")]
    public static partial void Answered(this ILogger logger, string model, int rows, double milliseconds);

    [LoggerMessage(22, LogLevel.Trace, "Model {Model}: \"{Text}\" is {Label}")]
    public static partial void AnsweredText(this ILogger logger, string model, string text, string label);

    [LoggerMessage(23, LogLevel.Error, "{Method} failed")]
    public static partial void CallFailed(this ILogger logger, Exception exception, string method);

    [LoggerMessage(24, LogLevel.Error, "What is collected cannot be written to {Directory}: {Reason}")]
    public static partial void NotCollected(this ILogger logger, string directory, string reason);

    [LoggerMessage(25, LogLevel.Warning, "The fallback is not asked for {Seconds:0} s: {Reason}")]
    public static partial void FallbackFailed(this ILogger logger, double seconds, string reason);

    [LoggerMessage(30, LogLevel.Information, "Stopping: answering what is in, for at most {Seconds:0.#} s")]
    public static partial void Draining(this ILogger logger, double seconds);

    [LoggerMessage(31, LogLevel.Information, "Stopped")]
    public static partial void Stopped(this ILogger logger);
}
