using System.Collections.Immutable;

namespace DistillOnnx.Server.Models;

/// <summary>A model's versions at one moment.</summary>
/// <param name="Current">What a call without a version gets.</param>
/// <param name="Versions">All that are loaded, the current one among them.</param>
internal sealed record ModelEntry(ModelVersion Current, ImmutableSortedDictionary<string, ModelVersion> Versions);
