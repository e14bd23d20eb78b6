using Microsoft.Extensions.AI;

namespace DistillOnnx.Teacher.Tests;

/// <summary>A teacher that always gives the same answer.</summary>
/// <param name="text">The answer.</param>
/// <param name="input">Tokens of every prompt; null: it does not count them.</param>
/// <param name="output">Tokens of every answer; null: likewise.</param>
internal sealed class FixedTeacher(string text, int? input, int? output) : IChatClient
{
    public Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, text))
        {
            Usage = input is null && output is null ? null : new UsageDetails { InputTokenCount = input, OutputTokenCount = output },
        });

    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public object? GetService(Type serviceType, object? serviceKey = null) => null;

    public void Dispose()
    {
    }
}
