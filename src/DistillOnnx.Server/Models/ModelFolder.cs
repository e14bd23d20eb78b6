using DistillOnnx.Server.Telemetry;

namespace DistillOnnx.Server.Models;

/// <summary>
/// The model folder: <c>DIR/NAME</c> is a bundle, or <c>DIR/NAME/VERSION</c> are several. What is new or changed is tried; a
/// bundle that is at fault is not tried again until it changes, and the version before stays in service.
/// </summary>
internal sealed class ModelFolder(string folder, int keepVersions, ModelLifecycle lifecycle, ModelCatalog catalog, ILogger logger)
{
    private readonly Dictionary<string, Known> _known = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _seen = new(StringComparer.Ordinal);
    private readonly HashSet<string> _absent = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _said = new(StringComparer.Ordinal);

    /// <summary>Looks at the folder and brings what is served in line with it.</summary>
    /// <param name="settle">Whether a bundle must look the same twice before it is tried, because it may still be being copied.</param>
    /// <param name="cancellationToken">Stops between bundles.</param>
    /// <exception cref="IOException">The folder cannot be read.</exception>
    public void Scan(bool settle, CancellationToken cancellationToken)
    {
        var (models, others) = FolderListing.Read(folder);
        foreach (var model in models) Bring(model.Key, [.. model], settle, cancellationToken);
        foreach (var name in _known.Values.Select(k => k.Name).Distinct().Except(models.Select(m => m.Key)).ToList())
        {
            // A bundle that is being replaced is away for a moment.
            if (settle && _absent.Add(name)) continue;
            Bring(name, [], settle, cancellationToken);
        }

        _absent.ExceptWith(models.Select(m => m.Key));
        Say(others, settle);
    }

    /// <summary>Says once of each directory that it is not served, and again when something in it has changed.</summary>
    private void Say(IReadOnlyList<(string Directory, string Reason)> others, bool settle)
    {
        foreach (var (directory, reason) in others)
        {
            var signature = BundleCandidate.SignatureOf(directory);
            var settled = !settle || _seen.GetValueOrDefault(directory) == signature;
            _seen[directory] = signature;
            if (!settled || _said.GetValueOrDefault(directory) == signature) continue;
            _said[directory] = signature;
            logger.DirectoryNotServed(directory, reason);
        }

        foreach (var directory in _said.Keys.Except(others.Select(o => o.Directory)).ToList()) _said.Remove(directory);
    }

    private void Bring(string name, IReadOnlyList<BundleCandidate> candidates, bool settle, CancellationToken cancellationToken)
    {
        var wanted = new List<ModelVersion>();
        foreach (var candidate in candidates)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (wanted.Count == keepVersions) break;
            if (Try(candidate, wanted.Count == 0, settle, cancellationToken) is { } served) wanted.Add(served);
        }

        if (wanted.Count > 0) catalog.MakeCurrent(wanted[0]);
        foreach (var (directory, known) in _known.Where(k => k.Value.Name == name).ToList())
        {
            if (known.Served is { } old && !wanted.Contains(old)) lifecycle.Retire(old);
            if (known.Served is not null && !wanted.Contains(known.Served)) _known.Remove(directory);
        }
    }

    /// <summary>What serves a directory's bundle after this look; null: nothing.</summary>
    private ModelVersion? Try(BundleCandidate candidate, bool newest, bool settle, CancellationToken cancellationToken)
    {
        var signature = candidate.Signature();
        var known = _known.GetValueOrDefault(candidate.Directory);
        if (known?.Signature == signature) return known.Served;
        var settled = !settle || _seen.GetValueOrDefault(candidate.Directory) == signature;
        _seen[candidate.Directory] = signature;
        if (!settled) return known?.Served;

        // While the new one is loaded and after it failed, what served this directory before goes on.
        var served = lifecycle.TrySwitch(candidate.Name, candidate.Directory, candidate.Version, newest, cancellationToken);

        // One of the same version, which was copied again in place, went out of service with the switch.
        if (served is not null && known?.Served is { } replaced && replaced.Version != served.Version) lifecycle.Retire(replaced);
        served ??= known?.Served;
        _known[candidate.Directory] = new Known(candidate.Name, signature, served);
        return served;
    }

    private sealed record Known(string Name, string Signature, ModelVersion? Served);
}
