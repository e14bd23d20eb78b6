using Anthropic;
using Microsoft.Extensions.AI;
using OllamaSharp;

namespace DistillOnnx.Teacher.Clients;

/// <summary>Clients of providers by the providers' own packages, none of which repeats anything by itself.</summary>
internal static class Providers
{
    /// <summary>Anthropic's Messages API.</summary>
    public static IChatClient Anthropic(TeacherSpec spec, string? key, TimeSpan timeout, TimeProvider clock)
    {
        var http = new HttpClient(new FaultHandler(
            spec.Url!,
            key,
            "; set the key by ANTHROPIC_API_KEY or --api-key-file",
            timeout,
            clock)
        { KeyHeader = "x-api-key" })
        { Timeout = Timeout.InfiniteTimeSpan };
        var client = new AnthropicClient
        {
            HttpClient = http,
            ApiKey = key ?? "",
            BaseUrl = spec.Url!.AbsoluteUri.TrimEnd('/'),
            MaxRetries = 0,
            Timeout = timeout + TimeSpan.FromSeconds(5),
        };
        return new ProviderChatClient(client.AsIChatClient(spec.Model), spec.Url.AbsoluteUri);
    }

    /// <summary>Ollama's own API. Its default context would cut long prompts without a word, so its size is set.</summary>
    public static IChatClient Ollama(TeacherSpec spec, string? key, TimeSpan timeout, TimeProvider clock)
    {
        var http = new HttpClient(new FaultHandler(
            spec.Url!,
            key,
            "; set the key by DISTILL_ANNOTATE_API_KEY",
            timeout,
            clock))
        { BaseAddress = spec.Url, Timeout = Timeout.InfiniteTimeSpan };
        if (key is not null)
            http.DefaultRequestHeaders.Authorization = new System.Net.Http.Headers.AuthenticationHeaderValue("Bearer", key);
        return new ProviderChatClient(new OllamaApiClient(http, spec.Model), spec.Url!.AbsoluteUri, "num_ctx");
    }
}
