using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace NativeGreenlet.AspNetCore.Tests.Infrastructure;

/// <summary>What an application has logged.</summary>
internal sealed class Log : ILoggerProvider, ILogger
{
    private readonly ConcurrentQueue<(int Id, LogLevel Level, string Text)> _entries = new();

    public IReadOnlyList<(int Id, LogLevel Level, string Text)> Entries => [.. _entries];

    /// <summary>Those that no backend writes of itself: where greenlets are threads, the first request is told so.</summary>
    public IReadOnlyList<(int Id, LogLevel Level, string Text)> Complaints => [.. _entries.Where(entry => entry.Id != 1)];

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    void ILogger.Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel))
        {
            _entries.Enqueue((eventId.Id, logLevel, $"{formatter(state, exception)} {exception}"));
        }
    }

    public void Dispose()
    {
    }
}
