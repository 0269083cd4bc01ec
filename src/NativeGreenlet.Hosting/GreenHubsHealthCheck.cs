using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using NativeGreenlet.Cooperative;
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

    /// <summary>Asks every hub of the process that does not sleep, and waits for the answers. A hub whose thread waits inside native code on
    /// behalf of one task, and can run no other until that returns, is watched, not asked: to ask it would wake it.</summary>
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
            await question.WaitAsync(limit, cancellationToken).ConfigureAwait(false);

            data[data.ContainsKey(hub.Hub.Name) ? $"{hub.Hub.Name}, thread {hub.ThreadId}" : hub.Hub.Name] = hub.TaskCount;
            if (!question.IsAnswered)
            {
                string task = (hub.CurrentTask ?? hub.PinnedTask)?.ToString() ?? "a callback";
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
        if (_asked.TryGetValue(hub, out Question? asked) && !asked.IsAnswered)
        {
            return asked;
        }

        Question question = new(hub);
        if (hub.IsAsleep || (!question.IsPinned && !hub.TryPost(question.Come)))
        {
            question.Come(); // nothing keeps it from turning; or it has just ended
        }

        _asked.AddOrUpdate(hub, question);
        return question;
    }

    private sealed class Question(HubLoop hub)
    {
        private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(20);

        private readonly TaskCompletionSource _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly GreenTask? _pinned = hub.PinnedTask;
        private readonly long _switches = hub.Switches;
        private readonly long _since = Stopwatch.GetTimestamp();

        public TimeSpan Age => Stopwatch.GetElapsedTime(_since);

        /// <summary>Whether its thread was kept by one task when it would have been asked.</summary>
        public bool IsPinned => _pinned is not null;

        /// <summary>Whether it has turned since.</summary>
        public bool IsAnswered => _answer.Task.IsCompleted || (IsPinned && (hub.PinnedTask != _pinned || hub.Switches != _switches || hub.HasEnded));

        public void Come() => _answer.TrySetResult();

        public async Task WaitAsync(TimeSpan limit, CancellationToken cancellationToken)
        {
            for (TimeSpan left = limit - Age; !IsAnswered && left > TimeSpan.Zero; left = limit - Age)
            {
                await _answer.Task.WaitAsync(IsPinned && left > s_look ? s_look : left, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
    }
}
