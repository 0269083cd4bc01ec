using System.Diagnostics.Tracing;
using System.Text.RegularExpressions;

namespace NativeGreenlet.Tests.Diagnostics;

/// <summary>Hears the library's events on the threads that write them; writes them down with the greenlets' names only.</summary>
internal sealed class LibraryEvents : EventListener
{
    private static readonly Regex s_namePattern = new("'[a-z]+'(?= on thread)");

    public const string SourceName = "NativeGreenlet";

    private readonly List<string> _heard = [];
    private volatile EventSource? _source;
    private (EventLevel Level, EventKeywords Keywords)? _whenCreated;

    public EventSource? Source => _source;

    public void Enable(EventLevel level, EventKeywords keywords)
    {
        DisableEvents(_source!);
        EnableEvents(_source!, level, keywords);
    }

    /// <summary>Listens as soon as there is something to listen to. With the keyword of dumps that asks for one.</summary>
    public void EnableWhenCreated(EventLevel level, EventKeywords keywords) => _whenCreated = (level, keywords);

    public void Disable() => DisableEvents(_source!);

    public IReadOnlyList<string> Heard()
    {
        lock (_heard)
        {
            return [.. _heard];
        }
    }

    protected override void OnEventSourceCreated(EventSource eventSource)
    {
        if (eventSource.Name == SourceName)
        {
            if (_whenCreated is (var level, var keywords))
            {
                EnableEvents(eventSource, level, keywords);
            }

            _source = eventSource;
        }
    }

    protected override void OnEventWritten(EventWrittenEventArgs eventData)
    {
        lock (_heard)
        {
            _heard.Add(string.Join(' ', eventData.Payload!.Select(Short).Prepend(eventData.EventName)));
        }
    }

    private static string Short(object? payload) => s_namePattern.Match($"{payload}") is { Success: true } match ? match.Value : $"{payload}";
}
