using System.Collections.Immutable;
using DistillOnnx.Server.Telemetry;

namespace DistillOnnx.Server.Models;

/// <summary>The models that are served, by name. Readers see one whole state; a switch replaces it in one step.</summary>
internal sealed class ModelCatalog : IModelQueues
{
    private ImmutableSortedDictionary<string, ModelEntry> _models =
        ImmutableSortedDictionary.Create<string, ModelEntry>(StringComparer.Ordinal);

    /// <summary>All models.</summary>
    public IReadOnlyDictionary<string, ModelEntry> Models => Volatile.Read(ref _models);

    /// <inheritdoc/>
    public IEnumerable<ModelQueue> Queues => Models.Values.SelectMany(m => m.Versions.Values)
        .Select(v => new ModelQueue(v.Name, v.Version, v.Batcher.QueuedRows, v.Batcher.QueuedTokens));

    /// <summary>Looks a model up.</summary>
    /// <param name="name">Its name; empty: the only model there is.</param>
    /// <exception cref="ModelNotFoundException">There is no such model.</exception>
    public ModelEntry Find(string name)
    {
        var models = Models;
        if (name.Length == 0)
        {
            return models.Count == 1
                ? models.Values.First()
                : throw new ModelNotFoundException($"the request names no model, and {models.Count} are served");
        }

        return models.TryGetValue(name, out var entry) ? entry : throw new ModelNotFoundException($"no model is named \"{Shorten(name)}\"");
    }

    /// <summary>Looks a version up.</summary>
    /// <exception cref="ModelNotFoundException">There is no such model or version.</exception>
    public ModelVersion Find(string name, string version)
    {
        var entry = Find(name);
        if (version.Length == 0) return entry.Current;
        return entry.Versions.TryGetValue(version, out var found)
            ? found
            : throw new ModelNotFoundException(
                $"model \"{entry.Current.Name}\" has no version \"{Shorten(version)}\"; current is \"{entry.Current.Version}\"");
    }

    /// <summary>Takes a lease on a version. Where it is retired between the look and the lease, looks again.</summary>
    /// <exception cref="ModelNotFoundException">There is no such model or version.</exception>
    public ModelVersion.Lease Lease(string name, string version)
    {
        while (true)
        {
            if (Find(name, version).TryLease() is { } lease) return lease;
            Thread.Yield();
        }
    }

    /// <summary>Puts a version in service. It becomes the current one where asked to, or where it is the first.</summary>
    public void Add(ModelVersion model, bool makeCurrent = true)
    {
        Update(models =>
        {
            var known = models.GetValueOrDefault(model.Name);
            var versions = (known?.Versions ?? ImmutableSortedDictionary.Create<string, ModelVersion>(StringComparer.Ordinal))
                .SetItem(model.Version, model);
            return models.SetItem(model.Name, new ModelEntry(makeCurrent || known is null ? model : known.Current, versions));
        });
    }

    /// <summary>Lets calls without a version go to this one.</summary>
    public void MakeCurrent(ModelVersion model) => Update(models =>
        models.GetValueOrDefault(model.Name) is { } known && known.Versions.GetValueOrDefault(model.Version) == model
            ? models.SetItem(model.Name, known with { Current = model })
            : models);

    /// <summary>
    /// Takes a version out of service; the caller retires it. Where it was current, the last of the others in order becomes
    /// so.
    /// </summary>
    public void Remove(ModelVersion model)
    {
        Update(models =>
        {
            if (models.GetValueOrDefault(model.Name) is not { } known || known.Versions.GetValueOrDefault(model.Version) != model)
                return models;
            var versions = known.Versions.Remove(model.Version);
            if (versions.IsEmpty) return models.Remove(model.Name);
            return models.SetItem(model.Name, new ModelEntry(known.Current == model ? versions.Last().Value : known.Current, versions));
        });
    }

    private void Update(Func<ImmutableSortedDictionary<string, ModelEntry>, ImmutableSortedDictionary<string, ModelEntry>> change) =>
        ImmutableInterlocked.Update(ref _models, change);

    private static string Shorten(string name) => name.Length <= 128 ? name : name[..128] + "…";
}
