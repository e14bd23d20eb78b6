namespace DistillOnnx.Server.Telemetry;

/// <summary>Tells the metrics what is served and what waits for it.</summary>
internal interface IModelQueues
{
    /// <summary>The queue of each version that is served, as it is now.</summary>
    IEnumerable<ModelQueue> Queues { get; }
}
