"""Keep the images and files of LLM conversations in object storage."""
