using DistillOnnx.Core;

namespace DistillOnnx.Checkpoints;

/// <summary>Takes off what wrappers put before a model's names: data parallelism, torch.compile, a module that holds the model.</summary>
internal static class WrapperPrefixes
{
    private static readonly string[] Known = ["module.", "_orig_mod.", "model."];

    /// <summary>The same tensors without prefixes.</summary>
    /// <param name="source">The tensors under their file's names; disposed with the result.</param>
    /// <param name="file">The file, for messages.</param>
    /// <param name="notes">Receives a line where prefixes were taken off.</param>
    /// <exception cref="InputException">Two tensors have one name without their prefixes.</exception>
    public static ITensorSource Strip(ITensorSource source, string file, List<string> notes)
    {
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        var taken = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var name in source.Tensors.Keys)
        {
            var rest = name;
            while (Known.FirstOrDefault(p => rest.StartsWith(p, StringComparison.Ordinal)) is { } prefix) rest = rest[prefix.Length..];
            if (rest.Length < name.Length) taken.Add(name[..^rest.Length]);
            if (!names.TryAdd(rest, name))
                throw new InputException(
                    $"{file}: tensors \"{InputText.Show(names[rest])}\" and \"{InputText.Show(name)}\" are both "
                        + $"\"{InputText.Show(rest)}\" without the prefixes of wrappers");
        }

        if (taken.Count == 0) return source;
        notes.Add(
            $"{file}: prefixes of wrappers were taken off the names of tensors: "
                + $"{string.Join(", ", taken.Take(4).Select(t => $"\"{InputText.Show(t)}\""))}");
        return new RenamedTensors(source, names);
    }
}
