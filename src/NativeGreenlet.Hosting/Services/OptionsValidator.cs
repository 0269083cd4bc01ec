using System.Net;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace NativeGreenlet.Hosting.Services;

/// <summary>Checks options when the host starts: what the configuration has that is no option, and what an option cannot be.</summary>
internal sealed class OptionsValidator(IConfiguration? configuration) : IValidateOptions<GreenHostOptions>, IValidateOptions<GreenTcpServerOptions>
{
    public const string HubsSection = "Greenlets:Hubs";
    public const string ServersSection = "Greenlets:TcpServers";

    public ValidateOptionsResult Validate(string? name, GreenHostOptions options)
    {
        Findings findings = new(configuration, HubsSection);
        findings.NoOthersThan(typeof(GreenHostOptions));
        findings.Check(nameof(options.Size), options.Size is null or > 0, options.Size, "must be positive, or left out for one hub for each processor");
        findings.Check(nameof(options.Name), !string.IsNullOrWhiteSpace(options.Name), options.Name, "must not be empty");
        findings.Check(nameof(options.DrainTime), options.DrainTime >= TimeSpan.Zero && options.DrainTime < TimeSpan.FromDays(1), options.DrainTime, "must be from 00:00:00 to a day, and below the host's ShutdownTimeout");
        findings.Check(nameof(options.ShutdownGrace), options.ShutdownGrace >= TimeSpan.Zero, options.ShutdownGrace, "must not be negative");
        findings.Check(nameof(options.DeadlockPatience), options.DeadlockPatience is null || options.DeadlockPatience >= TimeSpan.Zero, options.DeadlockPatience, "must not be negative; leave it out for hubs that never look");
        findings.Check(nameof(options.WarnWhenBlockedFor), options.WarnWhenBlockedFor is null || options.WarnWhenBlockedFor >= TimeSpan.FromMilliseconds(1), options.WarnWhenBlockedFor, "must be at least a millisecond (00:00:00.001)");
        findings.Check(nameof(options.UnhealthyWhenBlockedFor), options.UnhealthyWhenBlockedFor >= TimeSpan.FromMilliseconds(1) && options.UnhealthyWhenBlockedFor < TimeSpan.FromDays(1), options.UnhealthyWhenBlockedFor, "must be from a millisecond (00:00:00.001) to a day");
        return findings.Result;
    }

    public ValidateOptionsResult Validate(string? name, GreenTcpServerOptions options)
    {
        Findings findings = new(configuration, $"{ServersSection}:{name}");
        findings.NoOthersThan(typeof(GreenTcpServerOptions));
        findings.Check(nameof(options.Address), IPAddress.TryParse(options.Address, out _), options.Address, "must be an IP address, such as 127.0.0.1, 0.0.0.0 or ::");
        findings.Check(nameof(options.Port), options.Port is >= 0 and <= IPEndPoint.MaxPort, options.Port, "must be from 0 to 65535");
        findings.Check(nameof(options.HubCount), options.HubCount > 0, options.HubCount, "must be positive");
        findings.Check(nameof(options.Backlog), options.Backlog > 0, options.Backlog, "must be positive");
        findings.Check(nameof(options.MaxConnections), options.MaxConnections is null or > 0, options.MaxConnections, "must be positive, or left out for no limit");
        return findings.Result;
    }

    private sealed class Findings(IConfiguration? configuration, string section)
    {
        private readonly List<string> _failures = [];

        public ValidateOptionsResult Result => _failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(_failures);

        public void Check(string option, bool isRight, object? value, string rule)
        {
            if (!isRight)
            {
                _failures.Add($"{section}:{option} {rule}; it is '{value}'.");
            }
        }

        public void NoOthersThan(Type type)
        {
            string[] known = [.. type.GetProperties().Select(property => property.Name).Order(StringComparer.Ordinal)];
            foreach (IConfigurationSection child in configuration?.GetSection(section).GetChildren() ?? [])
            {
                if (!known.Contains(child.Key, StringComparer.OrdinalIgnoreCase))
                {
                    _failures.Add($"{child.Path} is no option. There are {string.Join(", ", known)}.");
                }
            }
        }
    }
}
