// Package lethe is a client of Lethe, a server for StyleGAN2 generators that can unlearn.
//
//	client, err := lethe.NewClient("localhost:8080")
//	images, err := client.Generate(ctx, lethe.GenerateRequest{Seeds: lethe.SeedRange(0, 8), Label: "7"})
//	job, err := client.Unlearn(ctx, lethe.UnlearnRequest{Images: lethe.Paths("forget/")})
//	for now, err := range job.Watch(ctx) {
//		fmt.Println(now.GetState(), now.GetProgress().GetStage())
//	}
//
// Errors are of type *[Error]. Package lethev1 has the protocol's own messages.
package lethe

//go:generate ../../scripts/generate-clients
