using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using DistillOnnx.Core;

namespace DistillOnnx.Checkpoints.Adapters;

/// <summary>PEFT's <c>adapter_config.json</c> of a LoRA adapter: its base, its rank and how strongly each module takes part.</summary>
internal sealed class AdapterConfig
{
    /// <summary>The file's name.</summary>
    public const string FileName = "adapter_config.json";

    private const int MostPatterns = 4096;

    // Keys that would make another model, each with the values that do not; null and absence never do.
    private static readonly (string Key, string[] Neutral)[] Refused =
    [
        ("use_dora", ["false"]),
        ("lora_bias", ["false"]),
        ("use_qalora", ["false"]),
        ("use_bdlora", ["false"]),
        ("layer_replication", ["[]"]),
        ("trainable_token_indices", ["[]", "{}"]),
        ("target_parameters", ["[]"]),
        ("alora_invocation_tokens", ["[]"]),
        ("arrow_config", []),
        ("init_lora_weights", ["true", "false", "\"gaussian\"", "\"eva\"", "\"orthogonal\""]),
    ];

    private static readonly HashSet<string> Known = new(StringComparer.Ordinal)
    {
        "peft_type", "base_model_name_or_path", "r", "lora_alpha", "use_rslora", "rank_pattern", "alpha_pattern", "fan_in_fan_out", "bias",
        "modules_to_save", "target_modules", "exclude_modules", "layers_to_transform", "layers_pattern", "inference_mode", "task_type",
        "revision",
        "auto_mapping", "peft_version", "lora_dropout", "loftq_config", "eva_config", "corda_config", "lora_ga_config", "megatron_config",
        "megatron_core", "qalora_group_size", "runtime_config", "ensure_weight_tying",
    };

    private readonly string _path;
    private readonly int _rank;
    private readonly double _alpha;
    private readonly bool _rankStabilised;
    private readonly List<(Regex Module, double Value)> _ranks;
    private readonly List<(Regex Module, double Value)> _alphas;

    private AdapterConfig(JsonObject root, string path)
    {
        _path = path;
        var type = Text(root, "peft_type") ?? throw new InputException($"{path}: \"peft_type\" is missing; expected \"LORA\"");
        if (type != "LORA")
            throw new InputException(
                $"{path}: \"peft_type\" must be \"LORA\", found \"{InputText.Show(type)}\"; other adapters cannot be merged here");
        foreach (var (key, neutral) in Refused)
        {
            if (root[key] is { } value && !neutral.Contains(value.ToJsonString(), StringComparer.Ordinal))
                throw new InputException($"{path}: \"{key}\" is {InputText.Show(value.ToJsonString())}, which is not supported");
        }

        BaseModel = Text(root, "base_model_name_or_path");
        var rank = Number(root, "r") ?? throw new InputException($"{path}: \"r\" is missing; expected the rank of the adapter");
        if (rank is not (>= 1 and <= 65536) || rank != Math.Floor(rank))
            throw new InputException($"{path}: \"r\" must be a whole number of at least 1, found {root["r"]}");
        _rank = (int)rank;
        _alpha = Number(root, "lora_alpha") ?? 8;
        _rankStabilised = Flag(root, "use_rslora");
        _ranks = Patterns(root, "rank_pattern");
        _alphas = Patterns(root, "alpha_pattern");
        Targets = new AdapterTargets(root, path, Notes);
        if (Flag(root, "fan_in_fan_out"))
            Notes.Add(
                $"{path}: \"fan_in_fan_out\" is not applied; the projections of a T5 are stored [out, in], where PEFT does not apply it "
                    + "either");
        var unknown = root.Select(p => p.Key).Where(k => !Known.Contains(k) && !Refused.Any(r => r.Key == k))
            .Order(StringComparer.Ordinal).Take(8).ToList();
        if (unknown.Count > 0)
            Notes.Add($"{path}: keys unknown here and not used: {string.Join(", ", unknown.Select(k => $"\"{InputText.Show(k)}\""))}");
    }

    /// <summary>The base that the adapter names: a path or a name on the hub; null: none.</summary>
    public string? BaseModel { get; }

    /// <summary>The modules that the adapter says it changes.</summary>
    public AdapterTargets Targets { get; }

    /// <summary>What of the file was not used, one line each.</summary>
    public List<string> Notes { get; } = [];

    /// <summary>Reads the file of a directory.</summary>
    /// <param name="directory">The adapter's directory.</param>
    /// <exception cref="InputException">It is malformed, or of an adapter that cannot be merged.</exception>
    public static AdapterConfig Load(string directory)
    {
        var path = Path.Combine(directory, FileName);
        return new AdapterConfig(CheckpointConfig.Read(directory, FileName) ?? throw new InputException($"{path}: no such file"), path);
    }

    /// <summary>What the product of a module's two factors is multiplied by.</summary>
    /// <param name="module">The module's name in the base.</param>
    /// <param name="rank">The rank of its factors.</param>
    /// <exception cref="InputException">The rank is not the one that the file gives the module.</exception>
    public double Scale(string module, long rank)
    {
        var expected = Match(_ranks, module) ?? _rank;
        if (expected != rank)
            throw new InputException($"{_path}: gives module \"{InputText.Show(module)}\" rank {expected}; its weights have rank {rank}");
        var alpha = Match(_alphas, module) ?? _alpha;
        return alpha / (_rankStabilised ? Math.Sqrt(rank) : rank);
    }

    private static double? Match(List<(Regex Module, double Value)> patterns, string module)
    {
        foreach (var (pattern, value) in patterns)
        {
            if (pattern.IsMatch(module)) return value;
        }

        return null;
    }

    // PEFT's keys are regular expressions that must match a module's name from its start or from after a dot. They come from a file, so
    // they are run by an engine whose time is linear in the name's length.
    private List<(Regex Module, double Value)> Patterns(JsonObject root, string key)
    {
        if (root[key] is null) return [];
        if (root[key] is not JsonObject patterns || patterns.Count > MostPatterns)
            throw new InputException($"{_path}: \"{key}\" must be an object of at most {MostPatterns} keys");
        var result = new List<(Regex, double)>();
        foreach (var (pattern, _) in patterns)
        {
            var value = Number(patterns, pattern)
                ?? throw new InputException($"{_path}: \"{key}\": \"{InputText.Show(pattern)}\" must be a number");
            try
            {
                result.Add((new Regex($"^(?:.*\\.)?(?:{pattern})$", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant), value));
            }
            catch (Exception e) when (e is ArgumentException or NotSupportedException)
            {
                throw new InputException(
                    $"{_path}: \"{key}\": \"{InputText.Show(pattern)}\" is no regular expression that can be used here", e);
            }
        }

        return result;
    }

    private string? Text(JsonObject root, string key) => root[key] switch
    {
        null => null,
        JsonValue value when value.TryGetValue<string>(out var text) => text,
        var other => throw new InputException($"{_path}: \"{key}\" must be a string, found {InputText.Show(other.ToJsonString())}"),
    };

    private double? Number(JsonObject root, string key) => root[key] switch
    {
        null => null,
        JsonValue value when value.TryGetValue<double>(out var number) && double.IsFinite(number) => number,
        var other => throw new InputException(
        $"{_path}: \"{InputText.Show(key)}\" must be a number, found {InputText.Show(other.ToJsonString())}"),
    };

    private bool Flag(JsonObject root, string key) => root[key] switch
    {
        null => false,
        JsonValue value when value.GetValueKind() is JsonValueKind.True or JsonValueKind.False => value.GetValue<bool>(),
        var other => throw new InputException($"{_path}: \"{key}\" must be true or false, found {InputText.Show(other.ToJsonString())}"),
    };
}
