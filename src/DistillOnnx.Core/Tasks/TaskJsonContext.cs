using System.Text.Json.Serialization;

namespace DistillOnnx.Core.Tasks;

[JsonSerializable(typeof(TaskSpec))]
internal sealed partial class TaskJsonContext : JsonSerializerContext;
