namespace DistillOnnx.Core.T5;

/// <summary>The model types of T5's kin: those that are read, and those that look alike and are not.</summary>
internal static class T5Family
{
    private static readonly Dictionary<string, string> Relatives = new(StringComparer.Ordinal)
    {
        ["longt5"] = "LongT5, whose encoder attends locally",
        ["switch_transformers"] = "Switch Transformers, whose feed-forward layers are mixtures of experts",
        ["nllb-moe"] = "NLLB-MoE, a mixture of experts",
        ["pop2piano"] = "Pop2Piano, which reads audio",
        ["pix2struct"] = "Pix2Struct, which reads images",
        ["udop"] = "UDOP, which reads documents as images",
        ["t5gemma"] = "T5Gemma, which is a Gemma",
        ["t5gemma2"] = "T5Gemma 2, which is a Gemma",
    };

    /// <summary>Why a model of this type cannot be read; null where it can.</summary>
    public static string? Fault(string modelType)
    {
        if (modelType is "t5" or "mt5" or "umt5") return null;
        var known = Relatives.TryGetValue(modelType, out var name) ? $" ({name})" : "";
        return $"\"model_type\" must be \"t5\", \"mt5\" or \"umt5\", found \"{InputText.Show(modelType)}\"{known}";
    }
}
