namespace DistillOnnx.Client;

/// <summary>
/// Where the servers are and how long the client waits. The defaults suit a service that answers people. A client reads them
/// when it is created; later changes have no effect.
/// </summary>
public sealed record PredictionClientOptions
{
    /// <summary>
    /// The servers: one or more of <c>http://host:port</c> or <c>https://host:port</c>, or a single <c>dns:///host:port</c>
    /// whose every record is a server. With more than one, calls take turns among those that answer.
    /// </summary>
    public required IReadOnlyList<string> Addresses { get; set; }

    /// <summary>How long a call may take, retries included. Sent along, so that a server drops work nobody waits for.</summary>
    public TimeSpan Deadline { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How often a call is tried in all, at most 5. Only what the server did not run is tried again: a full queue
    /// (RESOURCE_EXHAUSTED, after the time it names) and a server that is away (UNAVAILABLE). 1: never again.
    /// </summary>
    public int MaxAttempts { get; set; } = 4;

    /// <summary>Sent as <c>x-api-key</c>; null: none.</summary>
    public string? ApiKey { get; set; }

    /// <summary>Sent as <c>authorization: Bearer …</c>; asked for each call, so that it may be renewed. Null: none.</summary>
    public Func<CancellationToken, Task<string>>? BearerToken { get; set; }

    /// <summary>Adjusts TLS, for instance with a client certificate or a private authority; null: the system's ways.</summary>
    public Action<System.Net.Security.SslClientAuthenticationOptions>? Tls { get; set; }

    /// <summary>Largest answer in bytes.</summary>
    public int MaxReceiveBytes { get; set; } = 16 << 20;
}
