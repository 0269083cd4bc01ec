using GreenTcpServer1;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

HostApplicationBuilder builder = Host.CreateApplicationBuilder(args);
builder.Services.AddGreenTcpServer<Shouter>("shout"); // its options are in appsettings.json
builder.Services.AddHealthChecks().AddGreenHubs();
builder.Build().Run();
