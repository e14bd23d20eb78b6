namespace DistillOnnx.Server.Telemetry;

/// <summary>What waits for one version of a model.</summary>
/// <param name="Model">The model.</param>
/// <param name="Version">The version.</param>
/// <param name="Rows">Rows that wait.</param>
/// <param name="Tokens">Tokens that wait.</param>
internal readonly record struct ModelQueue(string Model, string Version, long Rows, long Tokens);
