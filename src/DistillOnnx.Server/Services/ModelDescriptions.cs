using DistillOnnx.Server.Models;
using DistillOnnx.V1;
using TaskKind = DistillOnnx.Core.Tasks.TaskKind;

namespace DistillOnnx.Server.Services;

/// <summary>Models as the wire describes them.</summary>
internal static class ModelDescriptions
{
    public static Model Describe(ModelEntry entry, ModelVersion version)
    {
        var model = new Model
        {
            Name = version.Name,
            Version = version.Version,
            Ready = true,
            Kind = version.Task.Kind switch
            {
                TaskKind.Labels => V1.TaskKind.Labels,
                TaskKind.Choices => V1.TaskKind.Choices,
                _ => V1.TaskKind.Text,
            },
            MaxInputTokens = version.Task.MaxInputTokens ?? 0,
            Device = version.Predictor.Device,
        };
        model.Versions.AddRange(entry.Versions.Keys);
        if (version.Task.Labels is { } labels) model.Labels.AddRange(labels);
        return model;
    }
}
