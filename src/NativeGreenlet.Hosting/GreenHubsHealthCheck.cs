using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using NativeGreenlet.Cooperative.Hubs;

namespace NativeGreenlet.Hosting;

/// <summary>Says that a process is unhealthy if one of its hubs does not turn: a task has kept its thread for
/// <see cref="GreenHostOptions.UnhealthyWhenBlockedFor"/>.</summary>
/// <example><code>
/// WebApplicationBuilder builder = WebApplication.CreateBuilder();
/// builder.Services.AddGreenHosting();
/// builder.Services.AddHealthChecks().AddGreenHubs();
/// WebApplication web = builder.Build();
/// web.MapHealthChecks("/health");
/// web.Run();
/// </code></example>
/// <param name="options">How long a hub may be kept from going on.</param>
public sealed class GreenHubsHealthCheck(IOptions<GreenHostOptions> options) : IHealthCheck
{
    private readonly ConditionalWeakTable<HubLoop, Question> _asked = [];

    /// <summary>Asks every hub of the process that does not sleep, and waits for the answers.</summary>
    /// <param name="context">The context of the check: what to say if a hub does not answer.</param>
    /// <param name="cancellationToken">Ends the check.</param>
    /// <returns>The result, with the number of tasks of each hub.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="context"/> is null.</exception>
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(context);
        TimeSpan limit = options.Value.UnhealthyWhenBlockedFor;
        Dictionary<string, object> data = [];
        List<string> blocked = [];
        foreach ((HubLoop hub, Question question) in HubRegistry.All.Select(hub => (hub, Ask(hub))).ToArray())
        {
            TimeSpan left = limit - question.Age;
            if (!question.Answer.IsCompleted && left > TimeSpan.Zero)
            {
                await question.Answer.WaitAsync(left, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                cancellationToken.ThrowIfCancellationRequested();
            }

            data[data.ContainsKey(hub.Hub.Name) ? $"{hub.Hub.Name}, thread {hub.ThreadId}" : hub.Hub.Name] = hub.TaskCount;
            if (!question.Answer.IsCompleted)
            {
                string task = hub.CurrentTask?.ToString() ?? "a callback";
                blocked.Add(string.Create(CultureInfo.InvariantCulture, $"{hub.Hub.Name} has not turned for {question.Age.TotalSeconds:F1} s, {task}"));
            }
        }

        return blocked.Count == 0
            ? HealthCheckResult.Healthy($"{data.Count} hubs turn.", data)
            : new HealthCheckResult(context.Registration?.FailureStatus ?? HealthStatus.Unhealthy, string.Join("; ", blocked), data: data);
    }

    // One that has not answered yet is not asked again.
    private Question Ask(HubLoop hub)
    {
        if (_asked.TryGetValue(hub, out Question? asked) && !asked.Answer.IsCompleted)
        {
            return asked;
        }

        Question question = new();
        if (hub.IsAsleep || !hub.TryPost(question.Come))
        {
            question.Come(); // nothing keeps it from turning; or it has just ended
        }

        _asked.AddOrUpdate(hub, question);
        return question;
    }

    private sealed class Question
    {
        private readonly TaskCompletionSource _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly long _since = Stopwatch.GetTimestamp();

        public Task Answer => _answer.Task;

        public TimeSpan Age => Stopwatch.GetElapsedTime(_since);

        public void Come() => _answer.TrySetResult();
    }
}
