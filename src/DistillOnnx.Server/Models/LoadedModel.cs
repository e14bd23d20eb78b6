using DistillOnnx.Hosting.Batching;
namespace DistillOnnx.Server.Models;

/// <summary>An opened bundle.</summary>
/// <param name="Predictor">What answers; owned by whoever holds the loaded model.</param>
/// <param name="Version">Names this very bundle among others of the same model.</param>
internal sealed record LoadedModel(IServedPredictor Predictor, string Version);
