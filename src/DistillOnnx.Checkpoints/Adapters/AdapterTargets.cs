using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using DistillOnnx.Core;

namespace DistillOnnx.Checkpoints.Adapters;

/// <summary>
/// Which modules an adapter's configuration announces (<c>target_modules</c>, <c>exclude_modules</c>, <c>layers_to_transform</c>,
/// <c>layers_pattern</c>, <c>modules_to_save</c>), by PEFT's rules, so that weights that are lost or left over do not pass.
/// </summary>
internal sealed class AdapterTargets
{
    private const string AllLinear = "all-linear";
    private const string Weight = ".weight";
    private const string Head = "lm_head";

    private readonly string _path;
    private readonly string _shown;
    private readonly ModuleNames? _targets;
    private readonly ModuleNames? _excluded;
    private readonly bool _isAllLinear;
    private readonly int[] _layers;
    private readonly List<Regex> _layerPatterns = [];
    private readonly string[] _saved;

    /// <summary>Reads the keys.</summary>
    /// <param name="root">The configuration.</param>
    /// <param name="path">Its file.</param>
    /// <param name="notes">Receives a line for each key that cannot be compared with the weights.</param>
    /// <exception cref="InputException">A key has a value of another kind.</exception>
    public AdapterTargets(JsonObject root, string path, List<string> notes)
    {
        _path = path;
        _shown = InputText.Show(root["target_modules"]?.ToJsonString() ?? "null");
        _isAllLinear = root["target_modules"] is JsonValue value && value.TryGetValue<string>(out var text) && text == AllLinear;
        if (!_isAllLinear) _targets = Read(root, "target_modules", notes);
        _excluded = Read(root, "exclude_modules", notes);
        _layers = root["layers_to_transform"] switch
        {
            null => [],
            JsonArray list => [.. list.Select(Layer)],
            var one => [Layer(one)],
        };
        foreach (var pattern in Texts(root, "layers_pattern"))
        {
            _layerPatterns.Add(Compile($"^.*\\.{pattern}\\.(\\d+)\\.")
                ?? throw new InputException(
                    $"{path}: \"layers_pattern\": \"{InputText.Show(pattern)}\" is no regular expression that can be used here"));
        }

        _saved = [.. Texts(root, "modules_to_save")];
    }

    /// <summary>Refuses weights that are not those announced.</summary>
    /// <param name="modules">The modules of the base that the adapter has factors for.</param>
    /// <param name="saved">The tensors of the base that it replaces.</param>
    /// <param name="tensors">The base's tensors.</param>
    /// <param name="file">The adapter's weights, for messages.</param>
    /// <exception cref="InputException">A module is announced and not there, or there and not announced.</exception>
    public void Require(
        IReadOnlyCollection<string> modules, IReadOnlyCollection<string> saved, IEnumerable<TensorInfo> tensors, string file)
    {
        var own = tensors.Where(t => t.Name.EndsWith(Weight, StringComparison.Ordinal))
            .Select(t => (Name: t.Name[..^Weight.Length], IsLinear: t.Shape.Count == 2 && !IsEmbedding(t.Name[..^Weight.Length])))
            .ToList();
        RequireSaved([.. saved.Select(s => s[..^(s.EndsWith(Weight, StringComparison.Ordinal) ? Weight.Length : 0)])], own, file);
        if (_targets is null && !_isAllLinear) return;
        var linear = own.Where(m => m.IsLinear).Select(m => m.Name).Append(Head).Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal).ToList();

        // Where no pattern is named, earlier versions count blocks, and later ones whatever number stands last in a module's name.
        var faults = ((Func<string, int?>[])(_layerPatterns.Count > 0 ? [NamedLayer] : [LastNumber, Block]))
            .Select(layer => Fault(modules, linear, layer, file)).ToList();
        if (!faults.Contains(null)) throw new InputException(faults[^1]!);
    }

    private string? Fault(IReadOnlyCollection<string> modules, List<string> linear, Func<string, int?> layer, string file)
    {
        var layers = _layers.Length == 0 ? "" : $" and \"layers_to_transform\" [{string.Join(", ", _layers)}]";
        var announced = linear.Where(m => IsTarget(m, layer)).ToHashSet(StringComparer.Ordinal);
        foreach (var module in announced.Order(StringComparer.Ordinal).Where(m => !modules.Contains(m)))
        {
            return $"{file}: module \"{InputText.Show(module)}\" has no lora_A and lora_B, but {_path} announces it with "
                + $"\"target_modules\" {_shown}{layers}; "
                + $"{announced.Count(modules.Contains)} of the {announced.Count} announced modules are there";
        }

        // A module that the base lacks is named when it is merged.
        foreach (var module in modules.Where(m => linear.Contains(m) && !announced.Contains(m)))
        {
            return $"{file}: module \"{InputText.Show(module)}\" has lora_A and lora_B, but {_path} does not announce it: "
                + $"\"target_modules\" is {_shown}{layers}";
        }

        return null;
    }

    private bool IsTarget(string module, Func<string, int?> layer)
    {
        if (_excluded?.Matches(module) is true) return false;
        if (_isAllLinear) return module != Head;
        if (!_targets!.Matches(module)) return false;
        return _layers.Length == 0 || _targets.IsPattern || _targets.Ends.Contains(module)
            || (layer(module) is { } number && _layers.Contains(number));
    }

    private void RequireSaved(HashSet<string> saved, List<(string Name, bool IsLinear)> own, string file)
    {
        foreach (var announced in _saved)
        {
            var expected = own.Select(m => m.Name).Where(m => m.EndsWith(announced, StringComparison.Ordinal) && !IsEmbedding(m)).ToList();
            var missing = expected.FirstOrDefault(m => !saved.Contains(m))
                ?? (expected.Count == 0 && !saved.Any(s => s.EndsWith(announced, StringComparison.Ordinal)) ? announced : null);
            if (missing is not null)
                throw new InputException(
                    $"{file}: has no weights of module \"{InputText.Show(missing)}\", but {_path} announces \"modules_to_save\" "
                        + $"\"{InputText.Show(announced)}\"");
        }
    }

    private int? NamedLayer(string module) =>
        _layerPatterns.Select(p => p.Match(module)).FirstOrDefault(m => m.Success) is { } match ? Number(match.Groups[1].Value) : null;

    private static int? LastNumber(string module)
    {
        var parts = module.Split('.');
        for (var i = parts.Length - 2; i >= 2; i--)
        {
            if (Number(parts[i]) is { } number) return number;
        }

        return null;
    }

    private static int? Block(string module)
    {
        var parts = module.Split('.');
        var at = Array.IndexOf(parts, "block");
        return at >= 0 && at + 1 < parts.Length ? Number(parts[at + 1]) : null;
    }

    private static int? Number(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static bool IsEmbedding(string module) =>
        module == "shared" || module.EndsWith("embed_tokens", StringComparison.Ordinal)
            || module.EndsWith("relative_attention_bias", StringComparison.Ordinal);

    private ModuleNames? Read(JsonObject root, string key, List<string> notes)
    {
        if (root[key] is not JsonValue value || value.GetValueKind() != JsonValueKind.String)
            return Texts(root, key) is { Count: > 0 } names ? new ModuleNames(names.ToHashSet(StringComparer.Ordinal), null) : null;
        var pattern = value.GetValue<string>();
        if (Compile($"^(?:{pattern})$") is { } regex) return new ModuleNames([], regex);
        notes.Add(
            $"{_path}: \"{key}\" (\"{InputText.Show(pattern)}\") is a regular expression that cannot be used here; whether the weights are "
                + "those that it announces was not checked");
        return null;
    }

    private List<string> Texts(JsonObject root, string key) => root[key] switch
    {
        null => [],
        JsonValue value when value.TryGetValue<string>(out var text) => [text],
        JsonArray list => [.. list.Select(item => item is JsonValue value && value.TryGetValue<string>(out var text)
            ? text
            : throw new InputException($"{_path}: \"{key}\" must be a list of strings, found {InputText.Show(list.ToJsonString())}"))],
        var other => throw new InputException(
            $"{_path}: \"{key}\" must be a string or a list of strings, found {InputText.Show(other.ToJsonString())}"),
    };

    private int Layer(JsonNode? node) => node is JsonValue value && value.TryGetValue<int>(out var layer)
        ? layer
        : throw new InputException(
            $"{_path}: \"layers_to_transform\" must be a layer's number or a list of them, found "
                + $"{InputText.Show(node?.ToJsonString() ?? "null")}");

    // By an engine whose time is linear in the name's length, because the expressions come from a file.
    private static Regex? Compile(string pattern)
    {
        try
        {
            return new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            return null;
        }
    }

    /// <summary>Modules as PEFT names them: by the ends of their names, or by an expression for the whole of them.</summary>
    private sealed record ModuleNames(HashSet<string> Ends, Regex? Pattern)
    {
        public bool IsPattern => Pattern is not null;

        public bool Matches(string module) => Pattern?.IsMatch(module)
            ?? (Ends.Contains(module) || Ends.Any(e => module.EndsWith("." + e, StringComparison.Ordinal)));
    }
}
