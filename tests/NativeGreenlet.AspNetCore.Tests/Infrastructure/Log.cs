using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Xunit.Sdk;

namespace NativeGreenlet.AspNetCore.Tests.Infrastructure;

/// <summary>What an application has logged.</summary>
internal sealed class Log : ILoggerProvider, ILogger
{
    private readonly ConcurrentQueue<(int Id, LogLevel Level, string Text)> _entries = new();

    public IReadOnlyList<(int Id, LogLevel Level, string Text)> Entries => [.. _entries];

    /// <summary>Those that no backend writes of itself: where greenlets are threads, the first request is told so.</summary>
    public IReadOnlyList<(int Id, LogLevel Level, string Text)> Complaints => [.. _entries.Where(entry => entry.Id != 1)];

    /// <summary>Waits for an entry that may be written after the answer was sent.</summary>
    public async Task<(int Id, LogLevel Level, string Text)> WaitForAsync(Func<(int Id, LogLevel Level, string Text), bool> isWanted)
    {
        for (Stopwatch watch = Stopwatch.StartNew(); watch.Elapsed < Server.Patience; await Task.Delay(5))
        {
            if (_entries.Where(isWanted).ToArray() is [var entry, ..])
            {
                return entry;
            }
        }

        throw new XunitException($"It was not logged. What was:\n{string.Join('\n', _entries)}");
    }

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
