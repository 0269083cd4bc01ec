using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Faults;

/// <summary>The process runs out of descriptors for a while. What failed then works afterwards.</summary>
[Collection(Processes.Name)]
public class DescriptorLimitTests
{
    [Theory]
    [InlineData("on", "off")]
    [InlineData("off", "off")]
    [InlineData("off", "auto")]
    public void What_fails_without_descriptors_works_when_there_are_some(string poller, string freezing)
    {
        if (OperatingSystem.IsLinux())
        {
            string output = Child.Run([("NATIVEGREENLET_POLLER", poller), ("NATIVEGREENLET_FREEZE", freezing)], nameof(DescriptorLimitPrograms));
            Assert.Contains("went on", output, StringComparison.Ordinal);
            Assert.Contains("recovered", output, StringComparison.Ordinal);
        }
    }
}
