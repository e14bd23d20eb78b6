using DistillOnnx.Teacher;
using DistillOnnx.Teacher.Journaling;
using DistillOnnx.Toolchain.World;
using Microsoft.Extensions.AI;

namespace DistillOnnx.Toolchain.Annotation;

/// <summary>
/// The rule-based teacher of the quickstart and of the generated world in a language model's place: it costs nothing and needs no network.
/// </summary>
internal sealed class RulesChatClient : IChatClient
{
    /// <inheritdoc/>
    public Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var input = options?.AdditionalProperties?.TryGetValue(RequestKey.Input, out var value) == true ? value as string : null;
        var answer = WorldRules.Answer(input ?? "")
            ?? throw new TeacherException(TeacherFault.Request, "the rules do not understand the input");
        return Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, $"{answer.Rationale} So the answer is {answer.Label}."))
        {
            ModelId = "rules",
            FinishReason = ChatFinishReason.Stop,
            Usage = new UsageDetails { InputTokenCount = 0, OutputTokenCount = 0 },
        });
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException("answers are given whole and not streamed");

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceKey is null && serviceType.IsInstanceOfType(this) ? this : null;

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
